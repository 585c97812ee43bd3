fn main() {
    let bytes = std::fs::read(std::env::args().nth(1).unwrap()).unwrap();
    let a = gowasmer::compile::compile(&bytes, Default::default()).unwrap();
    for (i, f) in a.functions.iter().enumerate() {
        std::fs::write(format!("/tmp/dump/f{i}.bin"), &f.code).unwrap();
    }
}
