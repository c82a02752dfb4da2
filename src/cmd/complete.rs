//! What Tab offers for values that the options themselves do not list: topics, groups and settings
//! of the log, aggregates, time zones, places, durations.

mod fields;
mod patience;

use clap::Arg;

use self::patience::{data_dir, in_time};
use super::log_admin::option_and_value;
use crate::aggregate::functions::catalog::FUNCTIONS;
use crate::aggregate::functions::function::Argument;
use crate::cli::complete::place::Line;
use crate::cli::complete::{Candidate, Offer, Paths};
use crate::store::{Error, Store};
use crate::time::zone::Zone;

const PLACES: [(&str, &str); 7] = [
    ("start", "The first record"),
    ("end", "After the last record"),
    ("now", "What is appended from now on"),
    ("today", "Since midnight, local time"),
    ("yesterday", "Since midnight a day ago, local time"),
    ("-1h", "Since an hour ago"),
    ("-1d", "Since a day ago"),
];

const DURATIONS: [&str; 7] = ["1s", "10s", "1m", "5m", "1h", "1d", "7d"];
const SIZES: [&str; 4] = ["1MiB", "16MiB", "256MiB", "1GiB"];
const DAYS: [&str; 7] =
    ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// What the value of an argument may be; none where the argument itself says it all.
pub fn values(line: &Line<'_>, arg: &Arg, index: usize) -> Option<Offer> {
    let command = line.command.get_name();
    let names = arg.get_value_names().unwrap_or_default();
    let name = names.get(index).or(names.last()).map_or("", |name| name.as_str());
    let id = arg.get_id().as_str();
    Some(match (id, name) {
        // With these options there is no operand but files.
        ("topic", _) if line.has("topic_by") => files(Vec::new()),
        ("expression", _) if line.has("from_file") => files(Vec::new()),
        ("topic", _) if command == "create" => Offer::of(Vec::new()),
        ("topic" | "topics" | "from_topic", _) | (_, "TOPIC") => Offer::of(topics(line)),
        ("files", _) if command == "inspect" => files(topics(line)),
        ("group", _) | (_, "GROUP") => Offer::of(groups(line)),
        ("partition", _) => Offer::of(partitions(line)),
        (_, "AGG") => Offer { fields: fields::of_line(line), ..files(aggregates()) },
        // --having is of results.
        (option, name) if name.contains("EXPR") && !matches!(option, "regex" | "having") => {
            Offer { fields: fields::of_line(line), ..Offer::by_argument(arg) }
        }
        (_, "ZONE") => Offer::of(plain(Zone::names())),
        (_, "PLACE") => Offer::of(PLACES.map(|(word, help)| Candidate::new(word, help)).into()),
        (_, "DAY") => Offer::of(plain(DAYS)),
        (option, _) if matches!(command, "create" | "alter") => {
            setting(line, option, name, command == "alter")?
        }
        ("tumbling" | "size", _) | (_, "DURATION" | "D" | "GAP" | "SLIDE" | "STEP") => {
            Offer::of(plain(DURATIONS))
        }
        (_, "SIZE") => Offer::of(plain(SIZES)),
        // s|ms|us|ns: the name lists the values.
        (_, listed) if listed.contains('|') && is_listed(listed) => {
            Offer::of(plain(listed.split('|').map(str::to_owned)))
        }
        _ => return None,
    })
}

fn is_listed(name: &str) -> bool {
    name.chars().all(|c| c.is_ascii_lowercase() || c == '|')
}

fn plain<T: Into<String>>(words: impl IntoIterator<Item = T>) -> Vec<Candidate> {
    words.into_iter().map(|word| Candidate::new(word, "")).collect()
}

fn files(candidates: Vec<Candidate>) -> Offer {
    Offer { candidates, paths: Paths::Files, fields: Vec::new() }
}

fn aggregates() -> Vec<Candidate> {
    let one = |name: &str, argument: Argument, about: &str| {
        let open = argument != Argument::Optional;
        // Nearly always a field follows.
        let value = if open { format!("{name}(.") } else { name.to_owned() };
        Candidate { value, help: about.to_owned(), open }
    };
    FUNCTIONS.iter().map(|it| one(it.name, it.argument, it.about)).collect()
}

/// The values of a setting of a topic: which kind it is, and what the topic has.
fn setting(line: &Line<'_>, option: &str, name: &str, alters: bool) -> Option<Offer> {
    let mut found = match (option, name) {
        ("fsync", _) => plain(["always", "never", "1s"]),
        (_, "BOOL") => plain(["true", "false"]),
        (_, "DURATION") => plain(DURATIONS),
        (_, "SIZE") => plain(SIZES),
        _ => Vec::new(),
    };
    if alters && let Some(topic) = line.value("topic").map(str::to_owned) {
        let option = option.replace('_', "-");
        let settings = of_log(line, move |store| store.settings(&topic)).unwrap_or_default();
        let now = settings.iter().map(|(name, value)| option_and_value(name, value));
        let now = now.filter(|(name, _)| *name == option);
        found.splice(0..0, now.map(|(_, value)| Candidate::new(value, "As it is now")));
        found.push(Candidate::new("default", "As without this option"));
    }
    (!found.is_empty()).then(|| Offer::of(found))
}

fn topics(line: &Line<'_>) -> Vec<Candidate> {
    plain(of_log(line, Store::topic_names).unwrap_or_default())
}

fn groups(line: &Line<'_>) -> Vec<Candidate> {
    plain(of_log(line, Store::group_names).unwrap_or_default())
}

fn partitions(line: &Line<'_>) -> Vec<Candidate> {
    let Some(topic) = line.value("topic").map(str::to_owned) else { return Vec::new() };
    let count = of_log(line, move |store| {
        let settings = store.settings(&topic)?;
        Ok(settings.get("partitions").and_then(serde_json::Value::as_u64))
    });
    plain((0..count.flatten().unwrap_or_default()).map(|number| number.to_string()))
}

/// What the log that the line means says; none where it has no answer in time. The process ends
/// soon, and a question that is still open with it.
fn of_log<T: Send + 'static>(
    line: &Line<'_>,
    ask: impl FnOnce(&mut Store) -> Result<T, Error> + Send + 'static,
) -> Option<T> {
    let dir = data_dir(line)?;
    in_time(move || Store::open(&dir).and_then(|mut store| ask(&mut store)).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmd::program;
    use clap::Command;

    /// What is offered at the end of a line, after this much of the word there.
    #[track_caller]
    fn offered(line: &str, text: &str) -> Offer {
        let mut words = line.split_whitespace().map(str::to_owned);
        let mut command: Command =
            program().find_subcommand(words.next().unwrap()).unwrap().clone();
        command.build();
        let words: Vec<String> = words.collect();
        let line = Line::read(&command, &words);
        match line.place(text) {
            crate::cli::complete::place::Place::Value { arg, index, .. } => {
                values(&line, arg, index).unwrap_or_else(|| Offer::by_argument(arg))
            }
            other => panic!("{other:?}"),
        }
    }

    #[track_caller]
    fn offers(line: &str, words: &[&str], paths: Paths) {
        let offer = offered(line, "");
        for word in words {
            assert!(offer.candidates.iter().any(|it| it.value == *word), "{line}: {offer:?}");
        }
        assert_eq!((offer.candidates.is_empty(), offer.paths), (words.is_empty(), paths), "{line}");
    }

    #[test]
    fn values_are_of_the_arguments_kind() {
        offers("filter", &[], Paths::None);
        offers("filter .a", &[], Paths::Files);
        offers("filter -f", &[], Paths::Files);
        offers("filter -f x", &[], Paths::Files);
        offers("map --arg", &[], Paths::None);
        offers("aggregate", &["avg(.", "count"], Paths::Files);
        offers("aggregate --by", &[], Paths::None);
        offers("aggregate --tumbling", &["1m"], Paths::None);
        offers("window --tz", &["Europe/Berlin"], Paths::None);
        offers("window --time-unit", &["ms"], Paths::None);
        offers("window --week-start", &["sunday"], Paths::None);
        offers("produce t --from", &["csv", "auto"], Paths::None);
        offers("produce --topic-by .a", &[], Paths::Files);
        offers("subscribe t --from", &["start", "-1h"], Paths::None);
        offers("log-admin create t --fsync", &["never"], Paths::None);
        offers("log-admin --data", &[], Paths::Dirs);
        offers("log-serve --data", &[], Paths::Dirs);
    }

    #[test]
    fn the_log_offers_its_topics_and_what_they_have() {
        let dir = tempfile::tempdir().unwrap();
        let at = dir.path().to_str().unwrap();
        // Where there is no log, none is made.
        assert_eq!(offered(&format!("subscribe --data {at}"), ""), Offer::of(Vec::new()));
        assert!(dir.path().read_dir().unwrap().next().is_none());
        let mut store = Store::open(dir.path()).unwrap();
        let wanted = crate::store::Wanted { partitions: Some(2), key: None };
        let settings = serde_json::json!({"retention_ms": 5_400_000});
        let settings = settings.as_object().unwrap().clone();
        store.create("clicks", &wanted, settings).unwrap();
        offers(&format!("subscribe --data {at}"), &["clicks"], Paths::None);
        offers(&format!("inspect --data {at}"), &["clicks"], Paths::Files);
        offers(&format!("subscribe --data {at} clicks --partition"), &["0", "1"], Paths::None);
        let line = format!("log-admin --data {at} alter clicks --retention");
        offers(&line, &["1h30m", "default"], Paths::None);
        offers(&format!("log-admin --data {at} delete"), &["clicks"], Paths::None);
    }
}
