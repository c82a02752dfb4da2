//! A line of text for each record, with values in it: `%t/%p@%o {{.host}}`.

use super::{Origin, or_null};
use crate::expr::{ExprError, Program, Value};
use crate::layout::screen::{Role, Screen};

/// A template, read.
pub struct Template {
    pieces: Vec<Piece>,
    program: Option<Program>,
}

enum Piece {
    Text(String),
    Topic,
    Partition,
    Offset,
    Time,
    /// The value of an expression of the program.
    Value(usize),
}

/// What is wrong with a template.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// One of its expressions is malformed.
    #[error(transparent)]
    Expression(#[from] ExprError),
    /// An expression is not closed.
    #[error("'{{{{' without '}}}}'; write it like {{{{.host}}}}")]
    Open,
    /// There is no such letter.
    #[error(
        "'%{0}' means nothing; %t is the topic, %p the partition, %o the offset, %T the append \
         time, and %% a percent sign"
    )]
    Letter(String),
    /// There is no such escape.
    #[error("'\\{0}' means nothing; write \\t for a tab, \\n for a line end, \\\\ for a backslash")]
    Escape(String),
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// When it is malformed.
    pub fn new(text: &str) -> Result<Template, TemplateError> {
        let (mut pieces, mut sources) = (Vec::new(), Vec::new());
        let (mut plain, mut rest) = (String::new(), text);
        while let Some(c) = rest.chars().next() {
            let behind = &rest[c.len_utf8()..];
            let next = behind.chars().next();
            let after = || behind.get(next.map_or(0, char::len_utf8)..).unwrap_or_default();
            let piece = match (c, next) {
                ('{', Some('{')) => {
                    let end = behind.find("}}").ok_or(TemplateError::Open)?;
                    sources.push(behind[1..end].trim());
                    rest = &behind[end + 2..];
                    Piece::Value(sources.len() - 1)
                }
                ('%', Some('t')) => {
                    rest = after();
                    Piece::Topic
                }
                ('%', Some('p')) => {
                    rest = after();
                    Piece::Partition
                }
                ('%', Some('o')) => {
                    rest = after();
                    Piece::Offset
                }
                ('%', Some('T')) => {
                    rest = after();
                    Piece::Time
                }
                ('%' | '\\', _) => {
                    let letter = || next.map(String::from).unwrap_or_default();
                    plain.push(match (c, next) {
                        ('%', Some('%')) => '%',
                        ('\\', Some('\\')) => '\\',
                        ('\\', Some('t')) => '\t',
                        ('\\', Some('n')) => '\n',
                        ('%', _) => return Err(TemplateError::Letter(letter())),
                        _ => return Err(TemplateError::Escape(letter())),
                    });
                    rest = after();
                    continue;
                }
                _ => {
                    plain.push(c);
                    rest = behind;
                    continue;
                }
            };
            if !plain.is_empty() {
                pieces.push(Piece::Text(std::mem::take(&mut plain)));
            }
            pieces.push(piece);
        }
        if !plain.is_empty() {
            pieces.push(Piece::Text(plain));
        }
        let program = match sources.is_empty() {
            true => None,
            false => Some(Program::compile(&sources)?),
        };
        Ok(Template { pieces, program })
    }

    /// Shows a record, without a line end. What is not known is empty.
    pub fn record(&mut self, record: &[u8], origin: Option<&Origin<'_>>, screen: &mut Screen<'_>) {
        let mut loaded = self.program.as_mut().and_then(|program| program.load(record).ok());
        let known = |show: fn(&Origin<'_>) -> String| origin.map(show).unwrap_or_default();
        for piece in &self.pieces {
            match piece {
                // A line end of the template is meant.
                Piece::Text(text) => {
                    for (at, line) in text.split('\n').enumerate() {
                        if at > 0 {
                            screen.end_line();
                        }
                        screen.put_as_is(line);
                    }
                }
                Piece::Topic => screen.put(Role::Plain, &known(|it| it.topic.to_owned())),
                Piece::Partition => screen.put(Role::Plain, &known(|it| it.partition.to_string())),
                Piece::Offset => screen.put(Role::Plain, &known(|it| it.offset.to_string())),
                Piece::Time => screen.put(Role::Plain, &known(|it| it.time())),
                Piece::Value(at) => {
                    let value = loaded.as_mut().map(|loaded| or_null(loaded.value(*at)));
                    match value.unwrap_or_default() {
                        Value::Null => {}
                        Value::Bool(true) => screen.put(Role::Plain, "true"),
                        Value::Bool(false) => screen.put(Role::Plain, "false"),
                        Value::Number(text) | Value::Text(text) | Value::Json(text) => {
                            screen.put(Role::Plain, text);
                        }
                    }
                }
            }
        }
    }
}
