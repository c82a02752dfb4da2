//! What is looked for here and done by other tools: a message names them.

use clap::Subcommand;

use crate::cli::Failure;

/// Actions that log-admin does not have. They are in no help.
#[derive(Subcommand, Clone, Debug)]
pub enum Wanted {
    #[command(hide = true, alias = "cp")]
    Copy(Words),
    #[command(hide = true, aliases = ["cat", "get", "read", "tail", "view"])]
    Consume(Words),
    #[command(hide = true, aliases = ["append", "pub", "publish"])]
    Produce(Words),
}

/// The words after the action.
#[derive(clap::Args, Clone, Debug)]
pub struct Words {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    words: Vec<String>,
}

impl Words {
    /// A topic that was named, or what stands for it.
    fn topic(&self, at: usize, name: &str) -> String {
        let mut topics = self.words.iter().filter(|word| !word.starts_with('-'));
        topics.nth(at).map_or_else(|| name.to_owned(), Clone::clone)
    }
}

impl Wanted {
    /// Says what does it.
    pub fn refusal(&self) -> Failure {
        Failure::usage(match self {
            Wanted::Copy(words) => {
                let (from, to) = (words.topic(0, "FROM"), words.topic(1, "TO"));
                format!(
                    "copy: a pipe copies records: subscribe {from} --control | produce {to}; create \
                     {to} before that, with the key and the settings that describe {from} prints"
                )
            }
            Wanted::Consume(words) => {
                format!("another tool prints records: subscribe {}", words.topic(0, "TOPIC"))
            }
            Wanted::Produce(words) => {
                format!("another tool appends records: produce {}", words.topic(0, "TOPIC"))
            }
        })
    }
}
