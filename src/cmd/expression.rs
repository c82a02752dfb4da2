//! The options of the tools whose job is one expression: its text, and values for its variables.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;

use crate::cli::Failure;
use crate::cli::options::InputOptions;
use crate::cli::output::Output;
use crate::cli::pump::in_option;
use crate::expr::{Explanation, Program, Variables};
use crate::record::control::Control;

/// What the manual pages tell those who know jq. `docs/EXPRESSIONS.md` has more.
pub const DIFFERENCES: &str = "\
Differences from jq:
  [10, 20] | .[1.7]
      Gives 20, as in jq 1.7: an index with a fraction counts down.
  1.5 | todate
      Gives \"1970-01-01T00:00:01.5Z\": fractions of a second are kept.
  [limit(-1; 1, 2)]
      Gives []: a negative count is none.
  100000000000000000001
      Gives itself: numbers that nobody computes with keep their spelling.
  \"ab\" | test(\"a(?=b)\")
      Is refused: regular expressions have no look-around and no back-references.
  1 as [$a] ?// $a | $a
      Is refused: there are no destructuring alternatives.
  [inputs] | length
      Is refused, as are now, env, debug and halt: an expression sees one record and nothing else.";

/// An expression, and what it is told.
#[derive(Args, Clone, Debug)]
pub struct ExpressionOptions {
    /// The jq expression
    #[arg(value_name = "EXPR")]
    expression: Option<String>,

    /// Read the expression from FILE; EXPR is then left out
    #[arg(short = 'f', long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    from_file: Option<PathBuf>,

    /// Let $NAME be the text VALUE in all expressions; may be repeated
    #[arg(long, num_args = 2, value_names = ["NAME", "VALUE"], allow_hyphen_values = true)]
    arg: Vec<String>,

    /// Let $NAME be this JSON value in all expressions; may be repeated
    #[arg(long, num_args = 2, value_names = ["NAME", "JSON"], allow_hyphen_values = true)]
    argjson: Vec<String>,

    /// Say which evaluator runs the expressions and which fields they read, and read no input
    #[arg(long)]
    explain: bool,

    /// Take the input to be valid JSON, as all that comes from the log is, and check only what is read
    #[arg(long)]
    trust: bool,
}

impl ExpressionOptions {
    /// Whom to trust, if the program sees all of the stream. A worker that sees parts of it cannot
    /// heed what the stream says.
    pub fn trust(&self, sees_all: bool) -> Trust {
        Trust { always: self.trust, heeds: sees_all }
    }

    /// Whether there is an expression. With `-f` what stands in its place is the first of the
    /// input's files, and is moved there.
    pub fn settle(&mut self, input: &mut InputOptions) -> bool {
        if self.from_file.is_some()
            && let Some(first) = self.expression.take()
        {
            input.files.insert(0, first.into());
        }
        self.from_file.is_some() || self.expression.is_some()
    }

    /// What stands in place of an expression where none is wanted: the first of the input's files.
    pub fn give_up(&mut self, input: &mut InputOptions) {
        if let Some(first) = self.expression.take() {
            input.files.insert(0, first.into());
        }
    }

    /// Compiles the expression and, behind it, `others`, each with the option it comes from.
    ///
    /// # Errors
    /// The first thing that is wrong with an expression or a variable; a file that cannot be read.
    pub fn compile(&self, others: &[(&str, &str)]) -> anyhow::Result<Program> {
        let (text, place) = self.text()?;
        let variables = self.variables()?;
        let mut sources = vec![text.as_str()];
        sources.extend(others.iter().map(|(_, source)| *source));
        let compiled = Program::compile_with(&sources, &variables);
        let mut program = compiled.map_err(|error| {
            match error.index.checked_sub(1).and_then(|at| others.get(at)) {
                Some((option, _)) => in_option(option, error).into(),
                None => anyhow::Error::new(error).context(place),
            }
        })?;
        if self.trust {
            program.trust(true);
        }
        Ok(program)
    }

    /// Explains the program if that is asked for; it is not to be run then.
    ///
    /// # Errors
    /// When the explanation cannot be written.
    pub fn explain(&self, program: &Program) -> anyhow::Result<bool> {
        if self.explain {
            Output::stdout()?.write(explanation(&program.explain()).as_bytes())?;
        }
        Ok(self.explain)
    }

    /// The expression, and how messages call the place it comes from.
    fn text(&self) -> anyhow::Result<(String, String)> {
        if let Some(path) = &self.from_file {
            let place = path.display().to_string();
            let text = std::fs::read_to_string(path).with_context(|| place.clone())?;
            return Ok((text, place));
        }
        match &self.expression {
            Some(text) => Ok((text.clone(), "EXPR".to_owned())),
            None => Err(Failure::usage("<EXPR> is missing").into()),
        }
    }

    fn variables(&self) -> Result<Variables, Failure> {
        let mut variables = Variables::default();
        for pair in self.arg.chunks_exact(2) {
            variables.add_text(&pair[0], &pair[1]).map_err(|error| in_option("--arg", error))?;
        }
        for pair in self.argjson.chunks_exact(2) {
            variables
                .add_json(&pair[0], &pair[1])
                .map_err(|error| in_option("--argjson", error))?;
        }
        Ok(variables)
    }
}

fn explanation(of: &Explanation) -> String {
    let evaluator = match &of.not_fast {
        None => "evaluator: fast\n".to_owned(),
        Some(what) => format!("evaluator: jaq\nnot fast: {what}\n"),
    };
    let reads = match &of.reads {
        None => "the whole record".to_owned(),
        Some(paths) if paths.is_empty() => "nothing".to_owned(),
        Some(paths) => paths.join(" "),
    };
    format!("{evaluator}reads: {reads}\n")
}

/// Which input is taken to be valid JSON.
#[derive(Clone, Copy, Debug)]
pub struct Trust {
    /// All of it, as `--trust` says.
    always: bool,
    /// What says so of itself, by a control record.
    heeds: bool,
}

impl Trust {
    /// Takes to heart what a control record says of the records behind it.
    pub fn heed(self, control: &Control, program: &mut Program) {
        if let (Control::Start(start), true) = (control, self.heeds) {
            program.trust(self.always || start.trusted);
        }
    }

    /// Forgets what was said: the input that said it has ended.
    pub fn forget(self, program: &mut Program) {
        program.trust(self.always);
    }
}
