//! How `filter` and `map` evaluate their expression: the options for it, and what they say about it.

use crate::cli::output::Output;
use crate::expr::{Explanation, Program};

/// Options on evaluation.
#[derive(clap::Args, Debug)]
pub struct EvaluationOptions {
    /// Say which evaluator runs EXPR and which fields it reads, and read no input
    #[arg(long)]
    pub explain: bool,

    /// Take the input to be valid JSON, as what comes from the log is, and check only what is read
    #[arg(long)]
    pub trust: bool,
}

impl EvaluationOptions {
    /// Sets a program up, or explains it; then it is not to be run.
    ///
    /// # Errors
    /// When the explanation cannot be written.
    pub fn apply(&self, program: &mut Program) -> anyhow::Result<bool> {
        if self.trust {
            program.trust();
        }
        if self.explain {
            Output::stdout()?.write(text(&program.explain()).as_bytes())?;
        }
        Ok(self.explain)
    }
}

fn text(explanation: &Explanation) -> String {
    let evaluator = match &explanation.not_fast {
        None => "evaluator: fast\n".to_owned(),
        Some(what) => format!("evaluator: jaq\nnot fast: {what}\n"),
    };
    let reads = match &explanation.reads {
        None => "the whole record".to_owned(),
        Some(paths) if paths.is_empty() => "nothing".to_owned(),
        Some(paths) => paths.join(" "),
    };
    format!("{evaluator}reads: {reads}\n")
}
