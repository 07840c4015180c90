//! Words of a text and how often each occurs.

use std::collections::BTreeMap;

use regex::Regex;
use serde::{Deserialize, Serialize};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Count {
    pub word: String,
    pub times: usize,
}

/// The words that `pattern` finds in `text`, most frequent first, equal ones by alphabet.
pub fn count(text: &str, pattern: &Regex) -> Vec<Count> {
    let mut times: BTreeMap<&str, usize> = BTreeMap::new();
    for found in pattern.find_iter(text) {
        *times.entry(found.as_str()).or_default() += 1;
    }
    let mut counts: Vec<Count> = times
        .into_iter()
        .map(|(word, times)| Count { word: word.to_string(), times })
        .collect();
    counts.sort_by(|a, b| b.times.cmp(&a.times));
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn most_frequent_first() {
        let counts = count("b a b", &Regex::new(r"\w+").unwrap());
        assert_eq!(counts[0], Count { word: "b".into(), times: 2 });
        assert_eq!(counts.len(), 2);
    }
}
