//! What records look like on standard output: the options, and what a terminal makes of them.

use std::env::var_os;

use clap::{Args, ValueEnum};

use super::output::Output;
use super::{Failure, Status};
use crate::layout::{Format, Layout, LayoutError, Look};

/// How records are printed.
#[derive(Args, Clone, Debug)]
pub struct LookOptions {
    /// Print records as FORMAT, instead of as they are
    ///
    /// On a terminal, records are printed in colour, one a line, and cut to its width.
    #[arg(long, value_name = "FORMAT", help_heading = "Output")]
    format: Option<FormatName>,

    /// Print each record over several lines, as --format pretty does
    #[arg(long, conflicts_with = "format", help_heading = "Output")]
    pretty: bool,

    /// Print these fields: columns on a terminal, CSV elsewhere
    ///
    /// Each is a jq expression: --fields .ts,.host,.request.path. A field that a record does not
    /// have is empty.
    #[arg(long, value_name = "EXPR,...", help_heading = "Output")]
    fields: Option<String>,

    /// Print a line of TEXT for each record, with values in it, as '%t/%p@%o {{.host}}'
    ///
    /// %t is the topic, %p the partition, %o the offset, %T the append time, {{EXPR}} the value of
    /// a jq expression; %% is a percent sign, \t a tab, \n a further line end, \\ a backslash.
    #[arg(
        long, value_name = "TEXT", conflicts_with_all = ["format", "pretty", "fields", "meta"],
        help_heading = "Output"
    )]
    template: Option<String>,

    /// Do not cut lines to the width of the terminal
    #[arg(long, help_heading = "Output")]
    wrap: bool,

    /// Use colours: on a terminal (auto), always or never
    ///
    /// With auto, $NO_COLOR turns them off, and $CLICOLOR_FORCE on.
    #[arg(long, value_name = "WHEN", default_value = "auto", help_heading = "Output")]
    color: When,
}

/// The formats.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum FormatName {
    /// One record a line
    Json,
    /// Over several lines, indented
    Pretty,
    /// Columns below their names; needs --fields
    Fields,
    /// Comma-separated values below a header
    Csv,
    /// Tab-separated values below a header
    Tsv,
    /// Strings without quotes and escapes, other values as JSON
    Raw,
}

/// When to use colours.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    /// On a terminal
    Auto,
    /// Also in a pipe or a file
    Always,
    /// Not even on a terminal
    Never,
}

impl LookOptions {
    /// Whether the user asks for anything but records as they are.
    pub fn asks(&self) -> bool {
        self.format.is_some() || self.pretty || self.fields.is_some() || self.template.is_some()
    }

    /// Whether the user says what a line is made of.
    pub fn has_template(&self) -> bool {
        self.template.is_some()
    }

    /// The layout of what goes to this output; none for records as they are. With `origins`, it
    /// says where each record stands.
    ///
    /// # Errors
    /// When options do not fit together, or an expression is malformed.
    pub fn layout(&self, output: &Output, origins: bool) -> Result<Option<Layout>, Failure> {
        let terminal = output.is_terminal();
        let color = self.colors(terminal);
        let format = match (self.format, self.pretty, &self.fields) {
            (Some(FormatName::Fields), _, None) => {
                return Err(Failure::usage(
                    "--format fields needs the fields, as in --fields .ts,.host",
                ));
            }
            (Some(FormatName::Json | FormatName::Pretty | FormatName::Raw), _, Some(_))
            | (_, true, Some(_)) => {
                return Err(Failure::usage(
                    "--fields makes columns: it goes with --format fields, csv or tsv; for \
                     objects of some fields, use map '{ts, host}'",
                ));
            }
            (Some(FormatName::Csv), ..) => Format::Csv,
            (Some(FormatName::Tsv), ..) => Format::Tsv,
            (Some(FormatName::Raw), ..) => Format::Raw,
            (Some(FormatName::Pretty), ..) | (_, true, _) => Format::Pretty,
            (Some(FormatName::Fields), ..) => Format::Table,
            (_, _, Some(_)) if terminal => Format::Table,
            (_, _, Some(_)) => Format::Csv,
            (Some(FormatName::Json) | None, ..) => Format::Json,
        };
        // Who asks for a format by its name wants all of it.
        let cut = terminal && !self.wrap && (self.format.is_none() || format == Format::Table);
        let size = output.size().filter(|_| terminal);
        let columns = size.map(|(columns, _)| columns).filter(|_| cut);
        let lines = size.map(|(_, lines)| lines);
        let look = Look { color, columns, lines, terminal: terminal || color };
        let layout = match &self.template {
            Some(text) => Layout::template(text, look),
            None => Layout::new(format, self.fields.as_deref(), look, origins),
        };
        let layout = layout.map_err(|error| {
            let option =
                if matches!(error, LayoutError::Field(_)) { "--fields" } else { "--template" };
            Failure::new(Status::Usage, format!("{option}: {error}"))
        })?;
        Ok(Some(layout).filter(|layout| !layout.is_plain()))
    }

    /// Whether there are colours.
    pub fn colors(&self, terminal: bool) -> bool {
        match self.color {
            When::Always => true,
            When::Never => false,
            When::Auto => wants_colors(terminal),
        }
    }
}

/// Whether to use colours where nothing is said of them: on a terminal that has some, unless the
/// environment says otherwise.
pub fn wants_colors(terminal: bool) -> bool {
    let set = |name| var_os(name).filter(|value| !value.is_empty());
    if set("NO_COLOR").is_some() {
        return false;
    }
    set("CLICOLOR_FORCE").is_some_and(|it| it != "0")
        || terminal && var_os("TERM").is_none_or(|term| term != "dumb")
}
