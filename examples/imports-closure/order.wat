;; What an order costs: asks the host for the price of the item and for the customer's discount, and says what it does.
;; Build it by: wat2wasm --debug-names -o order.wasm order.wat
(module $order
  (import "env" "print" (func $print (param $address i32) (param $length i32)))   ;; prints text that is in memory
  (import "shop" "price" (func $price (param $item i32) (result f64)))
  (import "shop" "discount" (func $discount (result f64)))                        ;; of the customer who orders
  (memory (export "memory") 1)
  (data (i32.const 16) "adding up")

  (func (export "total") (param $item i32) (param $count i32) (result f64)
    (call $print (i32.const 16) (i32.const 9))
    (f64.mul
      (f64.mul (call $price (local.get $item)) (f64.convert_i32_s (local.get $count)))
      (f64.sub (f64.const 1) (call $discount)))))
