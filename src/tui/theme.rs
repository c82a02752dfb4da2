//! Colours: those of jq, less and htop, from the sixteen that every terminal has; or none.

use ratatui::style::{Color, Modifier, Style};

use crate::record::tokens::Kind;

/// How things look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Theme {
    colour: bool,
}

impl Theme {
    /// With colours, or with bold, underlined and reversed text only.
    pub fn new(colour: bool) -> Theme {
        Theme { colour }
    }

    fn in_colour(self, colour: Color) -> Style {
        if self.colour { Style::new().fg(colour) } else { Style::new() }
    }

    /// A piece of JSON.
    pub fn json(self, kind: Kind) -> Style {
        match kind {
            Kind::Key => self.in_colour(Color::Blue).add_modifier(Modifier::BOLD),
            Kind::String => self.in_colour(Color::Green),
            Kind::Number => self.in_colour(Color::Cyan),
            Kind::Word => self.in_colour(Color::Magenta),
            Kind::Other => self.bad(),
            Kind::Mark | Kind::Space => Style::new(),
        }
    }

    /// The lines at the top and the bottom of the screen.
    pub fn bar(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    /// The names of columns.
    pub fn heading(self) -> Style {
        self.in_colour(Color::Yellow).add_modifier(Modifier::BOLD)
    }

    /// The line on which the cursor stands.
    pub fn cursor(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    /// Lines that are selected.
    pub fn selected(self) -> Style {
        match self.colour {
            true => Style::new().bg(Color::DarkGray),
            false => Style::new().add_modifier(Modifier::UNDERLINED),
        }
    }

    /// What was searched for.
    pub fn found(self) -> Style {
        match self.colour {
            true => Style::new().fg(Color::Black).bg(Color::Yellow),
            false => Style::new().add_modifier(Modifier::BOLD | Modifier::UNDERLINED),
        }
    }

    /// What is less important: numbers of records, places.
    pub fn dim(self) -> Style {
        if self.colour { Style::new().fg(Color::DarkGray) } else { Style::new() }
    }

    /// What is wrong.
    pub fn bad(self) -> Style {
        self.in_colour(Color::Red).add_modifier(Modifier::BOLD)
    }

    /// A key that may be pressed.
    pub fn key(self) -> Style {
        self.in_colour(Color::Yellow).add_modifier(Modifier::BOLD)
    }

    /// One of several lines or bars of a chart.
    pub fn series(self, number: usize) -> Style {
        const COLOURS: [Color; 6] =
            [Color::Cyan, Color::Yellow, Color::Green, Color::Magenta, Color::Red, Color::Blue];
        self.in_colour(COLOURS.get(number % COLOURS.len()).copied().unwrap_or(Color::Cyan))
    }
}
