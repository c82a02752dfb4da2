//! The options of the tools whose job is one expression: its text, and values for its variables.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;

use crate::cli::Failure;
use crate::cli::options::InputOptions;
use crate::cli::output::Output;
use crate::cli::pump::in_option;
use crate::expr::{Explanation, Program, Variables};
use crate::operator::trust::Trust;

/// What the manual pages tell those who know jq. `docs/EXPRESSIONS.md` has more.
pub const DIFFERENCES: &str = "\
Differences from jq:
  [10, 20] | .[1.7]
      Returns 20, as in jq 1.7: the fraction of an index is cut off.
  1.5 | todate
      Returns \"1970-01-01T00:00:01.5Z\": fractions of a second are kept.
  100000000000000000001
      Returns itself: a number keeps its digits until arithmetic changes it.
  9007199254740993 + 0
      Returns 9007199254740993: computations with 64-bit integers are exact.
  0 | -.
      Returns 0: a computed whole number has no sign.
  \"ab\" | test(\"a(?=b)\")
      Is refused: regular expressions have no look-around or back-references.
  import \"m\" as m; m::f
      Is refused: an expression reads no files; def defines functions.
  [inputs] | length
      Is refused, as are now, env, debug and halt: an expression sees one record and nothing else.";

/// An expression, and what it is told.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Expression")]
pub struct ExpressionOptions {
    /// The jq expression
    #[arg(value_name = "EXPR", help_heading = None)]
    expression: Option<String>,

    /// Read the expression from FILE instead of EXPR
    #[arg(short = 'f', long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    from_file: Option<PathBuf>,

    /// Set $NAME to the string VALUE in all expressions; may be repeated
    #[arg(long, num_args = 2, value_names = ["NAME", "VALUE"], allow_hyphen_values = true)]
    arg: Vec<String>,

    /// Set $NAME to the JSON value VALUE in all expressions; may be repeated
    #[arg(hide_short_help = true)]
    #[arg(long, num_args = 2, value_names = ["NAME", "JSON"], allow_hyphen_values = true)]
    argjson: Vec<String>,

    /// Print which evaluator runs the expressions and which fields they read; read no input
    #[arg(hide_short_help = true)]
    #[arg(long)]
    explain: bool,

    /// Print no control records; a terminal gets none anyway
    #[arg(help_heading = "Output")]
    #[arg(long)]
    pub plain: bool,

    /// Assume that the input is valid JSON, as the log's records are, and check only what is read
    #[arg(hide_short_help = true)]
    #[arg(long)]
    trust: bool,
}

impl ExpressionOptions {
    /// Whether control records go to standard output.
    pub fn speaks(&self) -> bool {
        !self.plain && !std::io::stdout().is_terminal()
    }

    /// Whom to trust, if the program sees all of the stream. A worker that sees parts of it cannot
    /// heed what the stream says.
    pub fn trust(&self, sees_all: bool) -> Trust {
        Trust { always: self.trust, heeds: sees_all }
    }

    /// Gets ready for this input: what a decoder makes of it is trusted. Whether there is an
    /// expression. With `-f` what stands in its place is the first of the
    /// input's files, and is moved there.
    pub fn settle(&mut self, input: &mut InputOptions) -> bool {
        // Records that a decoder makes are valid.
        self.trust |= !input.format.is_verbatim();
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
        let text = self.text()?;
        let variables = self.variables()?;
        let mut sources = vec![text.as_str()];
        sources.extend(others.iter().map(|(_, source)| *source));
        let compiled = Program::compile_with(&sources, &variables);
        let mut program = compiled.map_err(|error| {
            match error.index.checked_sub(1).and_then(|at| others.get(at)) {
                Some((option, _)) => in_option(option, error).into(),
                None => {
                    let mut error = error;
                    if self.from_file.is_none() && Path::new(&text).is_file() {
                        error.remedy =
                            Some("this is a file; the expression comes before it".into());
                    }
                    anyhow::Error::new(error).context(self.place())
                }
            }
        })?;
        if self.trust {
            program.trust(true);
        }
        Ok(program)
    }

    /// Checks that the expression can be a condition. `option` is what lets any through.
    ///
    /// # Errors
    /// When it is true for every record.
    pub fn check_condition(&self, program: &Program, option: &str) -> anyhow::Result<()> {
        program.check_condition(0).map_err(|mut error| {
            let remedy = error.remedy.take().unwrap_or_default();
            let end = if remedy.ends_with('?') { "" } else { ";" };
            error.remedy = Some(format!("{remedy}{end} {option} accepts it"));
            anyhow::Error::new(error).context(self.place())
        })
    }

    /// How messages call the place that the expression comes from.
    fn place(&self) -> String {
        self.from_file.as_ref().map_or_else(|| "EXPR".to_owned(), |path| path.display().to_string())
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

    fn text(&self) -> anyhow::Result<String> {
        if let Some(path) = &self.from_file {
            return std::fs::read_to_string(path).with_context(|| self.place());
        }
        match &self.expression {
            // What begins with a minus sign was given a space, not to be taken for an option.
            Some(text) => Ok(text.strip_prefix(' ').unwrap_or(text).to_owned()),
            None => Err(Failure::usage("<EXPR> is missing").into()),
        }
    }

    fn variables(&self) -> Result<Variables, Failure> {
        let mut variables = Variables::default();
        for pair in self.arg.chunks_exact(2) {
            variables.add_text(&pair[0], &pair[1]).map_err(|error| in_option("--arg", error))?;
        }
        for pair in self.argjson.chunks_exact(2) {
            // In jq the first counts, but which of these was first is not known.
            if self.arg.chunks_exact(2).any(|text| text[0] == pair[0]) {
                let why = format!("--arg sets {} too; set it once", pair[0]);
                return Err(in_option("--argjson", why));
            }
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
