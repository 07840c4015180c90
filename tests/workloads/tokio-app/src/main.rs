//! Reads a text on standard input and prints its words with their counts as JSON.

mod words;

use clap::Parser;
use regex::Regex;
use tokio::io::AsyncReadExt;

/// Counts words.
#[derive(Parser)]
#[command(version)]
struct Options {
    /// What a word is, as a regular expression.
    #[arg(long, default_value = r"\w+")]
    word: String,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let options = Options::parse();
    let pattern = Regex::new(&options.word)?;
    let mut text = String::new();
    tokio::io::stdin().read_to_string(&mut text).await?;
    let counts = tokio::task::spawn_blocking(move || words::count(&text, &pattern)).await?;
    println!("{}", serde_json::to_string(&counts)?);
    Ok(())
}
