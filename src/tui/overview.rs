//! All topics and consumer groups of a log: what is known of them, and how it changes.

use std::collections::{BTreeMap, VecDeque};

use super::pattern::Pattern;
use crate::layout::text::{bytes, thousands};

/// How many rates are remembered: a minute of them.
const RATES_MAX: usize = 60;

/// What a log holds at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// When that is, in ms by a clock that nobody sets.
    pub at_ms: u64,
    /// Its topics.
    pub topics: Vec<TopicRow>,
    /// Its groups, for each topic that they read.
    pub groups: Vec<GroupRow>,
}

/// How a topic is stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stored {
    /// How many partitions it has.
    pub partitions: u64,
    /// How many segments.
    pub segments: u64,
    /// The bytes of its data.
    pub bytes: u64,
    /// When its records are forced to the disk, if that is known.
    pub fsync: Option<String>,
    /// How many records are acknowledged and not on the disk, if that is known.
    pub unsynced: Option<u64>,
}

impl Stored {
    /// When records are forced to the disk, and how many are not there yet.
    pub fn sync(&self) -> String {
        let fsync = self.fsync.as_ref().map(|fsync| format!("fsync {fsync}"));
        let left = match self.unsynced {
            // That is what it means.
            Some(0) if self.fsync.as_deref() == Some("always") => None,
            Some(0) => Some("all on disk".to_owned()),
            Some(1) => Some("1 record not on disk".to_owned()),
            Some(count) => Some(format!("{} records not on disk", thousands(count))),
            None => None,
        };
        fsync.into_iter().chain(left).collect::<Vec<_>>().join(", ")
    }

    /// How many segments it has, for people.
    pub fn segments(&self) -> String {
        counted(self.segments, "segment")
    }
}

/// So many of something.
fn counted(count: u64, what: &str) -> String {
    format!("{} {what}{}", thousands(count), if count == 1 { "" } else { "s" })
}

/// A topic.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TopicRow {
    /// Its name.
    pub name: String,
    /// How it is stored.
    pub stored: Stored,
    /// How many records it holds.
    pub records: u64,
    /// How many were ever appended.
    pub appended: u64,
    /// When the oldest of its records was appended, for people.
    pub oldest: Option<String>,
    /// When something was appended last, for people.
    pub newest: Option<String>,
    /// What is wrong with it.
    pub fault: Option<String>,
}

/// What a group has in a topic.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupRow {
    /// Its name.
    pub group: String,
    /// The topic.
    pub topic: String,
    /// How many members it has.
    pub members: u64,
    /// How many records it has committed, and is to read yet.
    pub committed: u64,
    /// How many it is to read yet.
    pub lag: Option<u64>,
    /// What is wrong with it.
    pub fault: Option<String>,
}

/// What the cursor may be on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item<'a> {
    /// A topic.
    Topic(&'a TopicRow),
    /// A group.
    Group(&'a GroupRow),
}

impl Item<'_> {
    /// What is known of it and has no room in its line.
    pub fn details(&self) -> String {
        match self {
            Item::Topic(TopicRow { name, fault: Some(fault), .. }) => format!("{name}: {fault}"),
            Item::Group(GroupRow { group, fault: Some(fault), .. }) => format!("{group}: {fault}"),
            Item::Topic(TopicRow { name, stored, .. }) => {
                let parts = [
                    stored.sync(),
                    counted(stored.partitions, "partition"),
                    stored.segments(),
                    bytes(stored.bytes),
                ];
                let parts: Vec<String> = parts.into_iter().filter(|it| !it.is_empty()).collect();
                format!("{name}: {}", parts.join(", "))
            }
            Item::Group(GroupRow { group, topic, members, committed, lag, .. }) => {
                let lag = lag.map_or(String::new(), |lag| format!(", lag {}", thousands(lag)));
                let members = counted(*members, "member");
                let committed = thousands(*committed);
                format!("{group}: reads {topic}, {members}, {committed} committed{lag}")
            }
        }
    }
}

/// Topics, groups, and their recent past.
#[derive(Clone, Debug, Default)]
pub struct Overview {
    /// What is known of the topics and groups that are shown.
    pub figures: Figures,
    /// What is known of all.
    all: Figures,
    /// Whether anything is known yet.
    pub is_known: bool,
    /// What the names of those have that are shown.
    pub pattern: Option<Pattern>,
    /// Which of the topics, and then of the groups, the cursor is on.
    pub cursor: usize,
    /// The first line on the screen.
    pub top: usize,
    /// Records a second, by topic, the last one at the end.
    rates: BTreeMap<String, VecDeque<u64>>,
    /// Lag, by group and topic.
    lags: BTreeMap<(String, String), VecDeque<u64>>,
}

impl Overview {
    /// Takes what is known now.
    pub fn take(&mut self, figures: Figures) {
        let elapsed_ms = figures.at_ms.saturating_sub(self.all.at_ms);
        for topic in &figures.topics {
            let before = self.all.topics.iter().find(|before| before.name == topic.name);
            if let (Some(before), 1..) = (before, elapsed_ms) {
                let new = topic.appended.saturating_sub(before.appended);
                let rates = self.rates.entry(topic.name.clone()).or_default();
                remember(rates, new.saturating_mul(1000) / elapsed_ms);
            }
        }
        for group in &figures.groups {
            let key = (group.group.clone(), group.topic.clone());
            remember(self.lags.entry(key).or_default(), group.lag.unwrap_or_default());
        }
        self.rates.retain(|name, _| figures.topics.iter().any(|topic| topic.name == *name));
        self.lags.retain(|(group, topic), _| {
            figures.groups.iter().any(|row| row.group == *group && row.topic == *topic)
        });
        (self.all, self.is_known) = (figures, true);
        self.choose();
    }

    /// Shows only topics and groups whose names have this; all, if there is none.
    pub fn narrow(&mut self, pattern: Option<Pattern>) {
        self.pattern = pattern;
        self.choose();
    }

    /// How many topics and groups there are, shown or not.
    pub fn all(&self) -> (usize, usize) {
        (self.all.topics.len(), self.all.groups.len())
    }

    fn choose(&mut self) {
        let mut figures = self.all.clone();
        if let Some(pattern) = &self.pattern {
            let is_in = |name: &str| pattern.is_in(name.as_bytes());
            figures.topics.retain(|row| is_in(&row.name));
            figures.groups.retain(|row| is_in(&row.group) || is_in(&row.topic));
        }
        self.figures = figures;
        self.step(0);
    }

    /// How many items there are.
    pub fn count(&self) -> usize {
        self.figures.topics.len() + self.figures.groups.len()
    }

    /// The item that the cursor is on.
    pub fn current(&self) -> Option<Item<'_>> {
        let topics = self.figures.topics.len();
        match self.cursor.checked_sub(topics) {
            None => self.figures.topics.get(self.cursor).map(Item::Topic),
            Some(at) => self.figures.groups.get(at).map(Item::Group),
        }
    }

    /// Moves the cursor by so many items.
    pub fn step(&mut self, by: i64) {
        let by_items = isize::try_from(by).unwrap_or(if by < 0 { isize::MIN } else { isize::MAX });
        let to = self.cursor.saturating_add_signed(by_items);
        self.cursor = to.min(self.count().saturating_sub(1));
    }

    /// Records a second, of late.
    pub fn rates(&self, topic: &TopicRow) -> Vec<u64> {
        self.rates.get(&topic.name).map_or_else(Vec::new, |it| it.iter().copied().collect())
    }

    /// The lag of a group, of late.
    pub fn lags(&self, group: &GroupRow) -> Vec<u64> {
        let lags = self.lags.get(&(group.group.clone(), group.topic.clone()));
        lags.map_or_else(Vec::new, |it| it.iter().copied().collect())
    }
}

fn remember(values: &mut VecDeque<u64>, value: u64) {
    if values.len() == RATES_MAX {
        values.pop_front();
    }
    values.push_back(value);
}

/// Numbers as a line of blocks, one a column; the last ones, if there are more than columns.
pub fn sparkline(values: &[u64], columns: usize) -> String {
    const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let values = values.get(values.len().saturating_sub(columns)..).unwrap_or_default();
    let most = values.iter().copied().max().unwrap_or_default().max(1);
    let block = |value: &u64| match value {
        0 => ' ',
        value => {
            let step = (u128::from(*value) * 7).div_ceil(u128::from(most)) as usize;
            BLOCKS.get(step).copied().unwrap_or('█')
        }
    };
    let line: String = values.iter().map(block).collect();
    " ".repeat(columns - values.len()) + &line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(at_ms: u64, appended: u64) -> Figures {
        let topic = |name: &str| TopicRow { name: name.into(), appended, ..TopicRow::default() };
        let group = GroupRow { group: "g".into(), lag: Some(appended), ..GroupRow::default() };
        Figures { at_ms, topics: vec![topic("a"), topic("b")], groups: vec![group] }
    }

    #[test]
    fn rates_are_a_second() {
        let mut overview = Overview::default();
        overview.take(figures(500, 100));
        overview.take(figures(1500, 300));
        overview.take(figures(2000, 310));
        assert_eq!(overview.rates(&overview.figures.topics[1]), [200, 20]);
        assert_eq!(overview.lags(&overview.figures.groups[0]), [100, 300, 310]);
    }

    #[test]
    fn the_cursor_is_on_a_topic_or_a_group() {
        let mut overview = Overview::default();
        overview.take(figures(1, 1));
        overview.step(9);
        assert!(matches!(overview.current(), Some(Item::Group(group)) if group.group == "g"));
        overview.step(-1);
        assert!(matches!(overview.current(), Some(Item::Topic(topic)) if topic.name == "b"));
        overview.take(Figures::default());
        assert_eq!((overview.current(), overview.cursor), (None, 0));
    }

    #[test]
    fn it_is_said_what_is_not_on_the_disk() {
        let said = |fsync: Option<&str>, unsynced| {
            let fsync = fsync.map(str::to_owned);
            Stored { fsync, unsynced, ..Stored::default() }.sync()
        };
        assert_eq!(said(Some("always"), Some(0)), "fsync always");
        assert_eq!(said(Some("never"), Some(0)), "fsync never, all on disk");
        assert_eq!(said(Some("100ms"), Some(1200)), "fsync 100ms, 1,200 records not on disk");
        assert_eq!(said(None, None), "");
    }

    #[test]
    fn names_narrow_the_list_and_rates_go_on() {
        let mut overview = Overview::default();
        overview.take(figures(1000, 100));
        overview.narrow(Some(Pattern::new("B").unwrap()));
        assert_eq!((overview.count(), overview.all()), (0, (2, 1)));
        overview.narrow(Some(Pattern::new("b").unwrap()));
        overview.take(figures(2000, 300));
        assert_eq!(overview.figures.topics.len(), 1);
        overview.narrow(None);
        assert_eq!(overview.rates(&overview.figures.topics[0]), [200]);
    }

    #[test]
    fn blocks_show_how_much() {
        assert_eq!(sparkline(&[0, 1, 4, 8], 6), "   ▂▅█");
        assert_eq!(sparkline(&[1, 2, 3], 2), "▆█");
        assert_eq!(sparkline(&[], 2), "  ");
    }
}
