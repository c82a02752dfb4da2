//! Questions to the user, where one is there to answer.

use std::io::{BufRead, IsTerminal};

use super::message;

/// Asks whether to go through with something. Where standard input or standard error is no
/// terminal, nobody can be asked, and the command itself is the answer.
pub fn confirm(question: &str) -> bool {
    let (input, error) = (std::io::stdin(), std::io::stderr());
    if !input.is_terminal() || !error.is_terminal() {
        return true;
    }
    message::prompt(&format!("{question} [y/N] "));
    let mut answer = String::new();
    let _ = input.lock().read_line(&mut answer);
    matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes")
}
