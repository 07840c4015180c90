//! Says which deltalake-core it was built with; what counts is the graph of crates behind it.

fn main() {
    println!("deltalake-core {}", deltalake_core::crate_version());
}
