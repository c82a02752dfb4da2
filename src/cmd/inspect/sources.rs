//! What is looked at, and the threads that read it.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::Builder;
use std::time::Instant;

use super::decoding::{self, Decoded, Inputs};
use super::feed::Feed;
use super::files::LinesFiles;
use super::happening::{Alarm, Happening};
use super::overview;
use super::pipe::Pipe;
use super::plain_file::PlainFile;
use super::reader::{Reader, Wake};
use super::topic::Topic;
use crate::cli::input::Watch;
use crate::cli::{Failure, Status};
use crate::store::Store;
use crate::tui::Resetting;
use crate::tui::{Data, Effect, Event, State};

/// What is looked at.
pub enum What {
    /// Standard input, or what can be read only once.
    Stdin(Inputs),
    /// Plain files, and how they are called.
    Lines(Vec<PlainFile>, Vec<PathBuf>),
    /// Other files.
    Decoded(Inputs),
    /// A topic of the log in a directory.
    Topic(PathBuf, String, Arc<Watch>),
    /// All topics of the log in a directory.
    Topics(PathBuf, Arc<Watch>),
}

impl What {
    /// All topics of the log in `dir`.
    ///
    /// # Errors
    /// When there is no log, or it cannot be read.
    pub fn topics(dir: PathBuf, watch: Arc<Watch>) -> anyhow::Result<What> {
        overview::figures(&dir, &[], Instant::now())?;
        Ok(What::Topics(dir, watch))
    }

    /// A topic of the log in `dir`.
    ///
    /// # Errors
    /// When there is no such topic, or it cannot be read.
    pub fn topic(dir: PathBuf, name: &str, watch: Arc<Watch>) -> anyhow::Result<What> {
        let opened = Store::open(&dir).and_then(|store| store.reader(name));
        if let Err(error) = opened {
            let error = anyhow::Error::from(error);
            let status = Status::of(&error);
            let why = format!("{error:#}, and there is no file {name}");
            return Err(Failure::new(status, why).into());
        }
        Ok(What::Topic(dir, name.to_owned(), watch))
    }

    /// The screen as it begins.
    pub fn state(&self) -> State {
        match self {
            What::Stdin(_) => State::new("standard input".to_owned(), false),
            What::Lines(_, files) => State::new(title(files), false),
            What::Decoded(inputs) => State::new(title(&inputs.files), false),
            What::Topic(_, name, _) => State::new(name.clone(), true),
            What::Topics(dir, _) => State::of_topics(dir.to_string_lossy().into_owned()),
        }
    }
}

fn title(files: &[PathBuf]) -> String {
    match files {
        [one] => one.to_string_lossy().into_owned(),
        [first, rest @ ..] => format!("{} and {} more", first.to_string_lossy(), rest.len()),
        [] => String::new(),
    }
}

/// The threads that read.
pub struct Sources {
    tell: Sender<Happening>,
    /// Wakes the one that reads records, if there is one.
    asks: Option<Sender<Wake>>,
    /// Wakes the one that reads figures, if there is one.
    resets: Option<Sender<Resetting>>,
    /// Where topics are opened.
    log: Option<(PathBuf, Arc<Watch>)>,
}

impl Sources {
    /// No thread yet; what they read is told to the screen.
    pub fn new(tell: Sender<Happening>) -> Sources {
        Sources { tell, asks: None, resets: None, log: None }
    }

    /// Begins to read; keeps so many bytes of what can be read only once. `lives` says whether the
    /// screen is shown for longer than its records take: then it has figures beside them.
    ///
    /// # Errors
    /// When the kernel has no thread left.
    pub fn begin(&mut self, what: What, memory: u64, lives: bool) -> anyhow::Result<()> {
        let memory = usize::try_from(memory).unwrap_or(usize::MAX);
        match what {
            What::Lines(files, _) => self.spawn(0, move |_| LinesFiles::new(files)),
            What::Decoded(inputs) => self.spawn(0, move |_| Ok(Decoded::new(inputs, memory))),
            What::Topic(dir, name, watch) => {
                if lives {
                    self.spawn_figures(dir.clone(), vec![name.clone()])?;
                }
                self.spawn(0, move |_| Topic::open(&dir, &name, watch))
            }
            What::Topics(dir, watch) => {
                self.log = Some((dir.clone(), watch));
                self.spawn_figures(dir, Vec::new())
            }
            What::Stdin(inputs) => {
                let pipe = Pipe::new(memory);
                let (filled, failed) = (pipe.clone(), self.tell.clone());
                self.spawn(0, move |ask| {
                    let news = pipe.clone();
                    let grown = move || {
                        if news.has_news() {
                            let _ = ask.send(Wake::Grown);
                        }
                    };
                    let alarm = Alarm::new("input", &failed);
                    let fill = move || {
                        let _alarm = alarm;
                        if let Err(error) = decoding::fill(&filled, &inputs, &grown) {
                            let data = Data::Failed(format!("{error:#}"));
                            let _ = failed.send(Happening::Event(Event::Data(data)));
                        }
                        filled.end();
                        grown();
                    };
                    Builder::new().name("input".to_owned()).spawn(fill)?;
                    Ok(pipe)
                })
            }
        }
    }

    /// Starts a thread that reads figures of these topics, or of all.
    fn spawn_figures(&mut self, dir: PathBuf, topics: Vec<String>) -> anyhow::Result<()> {
        let (resets, wanted) = channel();
        self.resets = Some(resets);
        let tell = self.tell.clone();
        let run = move || {
            let _alarm = Alarm::new("figures", &tell);
            let tell = |data| tell.send(Happening::Event(Event::Data(data))).is_ok();
            overview::run(&dir, &topics, &wanted, tell);
        };
        Builder::new().name("figures".to_owned()).spawn(run)?;
        Ok(())
    }

    /// Starts a thread that opens a feed and reads it, in the place of the one before.
    fn spawn<F: Feed>(
        &mut self,
        epoch: u64,
        open: impl FnOnce(Sender<Wake>) -> anyhow::Result<F> + Send + 'static,
    ) -> anyhow::Result<()> {
        let (ask, asks) = channel();
        self.asks = Some(ask.clone());
        let tell = self.tell.clone();
        let read = move || {
            let _alarm = Alarm::new("reader", &tell);
            match open(ask) {
                Ok(feed) => serve(feed, epoch, &tell, &asks),
                Err(error) => {
                    let data = Data::Failed(format!("{error:#}"));
                    let _ = tell.send(Happening::Event(Event::Data(data)));
                }
            }
        };
        Builder::new().name("reader".to_owned()).spawn(read)?;
        Ok(())
    }

    /// Does what the screen wants done by those who read.
    ///
    /// # Errors
    /// When the kernel has no thread left.
    pub fn work(&mut self, effect: Effect) -> anyhow::Result<()> {
        match effect {
            Effect::Ask(ask) => {
                if let Some(asks) = &self.asks {
                    let _ = asks.send(Wake::Ask(ask));
                }
            }
            Effect::Open { topic, epoch } => {
                if let Some((dir, watch)) = self.log.clone() {
                    self.spawn(epoch, move |_| Topic::open(&dir, &topic, watch))?;
                }
            }
            Effect::Close => self.asks = None,
            Effect::Reset(resetting) => {
                if let Some(resets) = &self.resets {
                    let _ = resets.send(resetting);
                }
            }
            Effect::Copy(_) | Effect::Redraw | Effect::Suspend | Effect::Quit => {}
        }
        Ok(())
    }
}

/// Reads for the screen, until that asks no more.
fn serve(feed: impl Feed, epoch: u64, tell: &Sender<Happening>, asks: &Receiver<Wake>) {
    let tell = |data| tell.send(Happening::Event(Event::Data(data))).is_ok();
    Reader::new(feed, epoch, tell).run(asks);
}
