;; Its start function never returns: instantiation ends only by a deadline.
(module $start_loop
  (func $start (loop $again br $again))
  (start $start))
