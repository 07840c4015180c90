//! Prints the words of its standard input's first line, parsed as a column type of deltalake-core, as JSON.
fn main() {}
