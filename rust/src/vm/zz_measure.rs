#[test]
fn zz_measure() {
    use super::*;
    let text = "(module (memory (export \"m\") 17) (table (export \"t\") 3 funcref) (func (export \"f\") (result i32) (i32.const 1)) (data (i32.const 0) \"abc\"))";
    let bytes = wat::parse_str(text).unwrap();
    let module = Module::compile(&bytes, Default::default()).unwrap();
    let maps = || (std::fs::read_to_string("/proc/self/maps").unwrap().lines().count(), std::fs::read_to_string("/proc/self/status").unwrap().lines().filter(|l| l.starts_with("VmRSS") || l.starts_with("VmSize")).collect::<Vec<_>>().join(" "), crate::budget::used());
    for shown in [false, true] {
        for round in 0..3 {
            let t = std::time::Instant::now();
            for _ in 0..30_000 {
                let i = Instance::new(&Store::new(), &module, &[], Default::default()).unwrap();
                if shown { let _ = i.memory(0).unwrap().show(); }
            }
            println!("shown {shown} round {round}: {:?} each, {:?}", t.elapsed() / 30_000, maps());
        }
    }
    let t = std::time::Instant::now();
    let all: Vec<_> = (0..30_000).map_while(|_| Instance::new(&Store::new(), &module, &[], Default::default()).map_err(|e| println!("{e}")).ok()).collect();
    println!("{} alive {:?} {:?}", all.len(), t.elapsed(), maps());
    drop(all);
    println!("{:?}", maps());
    let t = std::time::Instant::now();
    for _ in 0..2000 { let m = Module::compile(&bytes, Default::default()).unwrap(); let _ = Instance::new(&Store::new(), &m, &[], Default::default()).unwrap(); }
    println!("compile+instantiate {:?} {:?}", t.elapsed() / 2000, maps());
}
