//! The SQL is compiled into the crate, so a new or changed file must rebuild it.

fn main() {
    for folder in ["log", "service"] {
        println!("cargo:rerun-if-changed=sqlite/{folder}");
    }
}
