//! Opening a log before anything is read or written: a daemon that goes away meanwhile is waited
//! for, as one that goes away later.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Store;
use super::error::Error;
use super::tries::Tries;
use super::watch::News;

/// A log that is being opened. Nothing waits for signals yet: they end the process.
pub struct Opening {
    dir: PathBuf,
    /// How long to wait for a daemon that goes away.
    patience: Duration,
    /// Whether there was a daemon. From then on the files are those of the next one.
    is_served: bool,
    /// For how long the one that has gone is still waited for.
    waits: Option<Tries>,
}

impl Opening {
    /// Of the log in `dir`; `patience` is how long to wait for a daemon that goes away.
    pub fn new(dir: &Path, patience: Duration) -> Opening {
        Opening { dir: dir.to_owned(), patience, is_served: false, waits: None }
    }

    /// Opens the log and has `attempt` use it: again with the next daemon if one goes away
    /// meanwhile, which `is_gone` says. `hear` hears of a wait. This may be called again if
    /// `attempt` fails for another reason.
    ///
    /// # Errors
    /// When no daemon comes back in time; as [`Store::open`]; or what `attempt` fails with.
    pub fn open<T, E: From<Error>>(
        &mut self,
        hear: impl Fn(News<'_>),
        is_gone: impl Fn(&E) -> bool,
        mut attempt: impl FnMut(Store) -> Result<T, E>,
    ) -> Result<T, E> {
        loop {
            match Store::open(&self.dir)? {
                Store::Embedded { .. } if self.is_served => {}
                store => {
                    self.is_served |= store.is_served();
                    let done = attempt(store);
                    let has_gone = self.is_served && done.as_ref().is_err_and(&is_gone);
                    if !has_gone || self.patience.is_zero() {
                        if self.waits.take().is_some() {
                            hear(News::Back(&self.dir));
                        }
                        return done;
                    }
                }
            }
            let (dir, patience) = (&self.dir, self.patience);
            let waits = self.waits.get_or_insert_with(|| {
                hear(News::Gone(dir, patience));
                Tries::within(patience)
            });
            let Some(pause) = waits.next_pause() else {
                return Err(Error::NotBack { dir: dir.clone(), patience }.into());
            };
            std::thread::sleep(pause);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::os::unix::net::UnixListener;

    use super::*;
    use crate::wire::ClientError;

    fn gone(dir: &Path) -> Error {
        ClientError::Closed { path: dir.to_owned(), unanswered: false }.into()
    }

    #[test]
    fn where_a_daemon_was_the_files_are_not_opened() {
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("socket");
        let listener = RefCell::new(Some(UnixListener::bind(&socket).unwrap()));
        let (heard, tries) = (RefCell::new(Vec::new()), RefCell::new(0));
        let hear = |news: News<'_>| heard.borrow_mut().push(news.to_string());
        let mut opening = Opening::new(dir.path(), Duration::from_millis(50));
        let ended = opening.open(hear, Error::is_gone, |store| -> Result<(), Error> {
            assert!(store.is_served());
            *tries.borrow_mut() += 1;
            // It is killed.
            *listener.borrow_mut() = None;
            Err(gone(dir.path()))
        });
        assert!(matches!(ended, Err(Error::NotBack { .. })), "{ended:?}");
        assert_eq!((*tries.borrow(), heard.borrow().len()), (1, 1));

        // It comes back.
        std::fs::remove_file(&socket).unwrap();
        let _again = UnixListener::bind(&socket).unwrap();
        opening.waits = None;
        let opened = opening.open(hear, Error::is_gone, |store| {
            *tries.borrow_mut() += 1;
            if *tries.borrow() < 4 { Err(gone(dir.path())) } else { Ok(store.is_served()) }
        });
        assert!(opened.unwrap());
        assert_eq!(heard.borrow().len(), 3);
        assert!(heard.borrow()[2].contains("running again"), "{heard:?}");
    }

    #[test]
    fn without_patience_nothing_is_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let _listener = UnixListener::bind(dir.path().join("socket")).unwrap();
        let mut opening = Opening::new(dir.path(), Duration::ZERO);
        let hear = |news: News<'_>| panic!("{news}");
        let ended =
            opening.open(hear, Error::is_gone, |_| -> Result<(), _> { Err(gone(dir.path())) });
        assert!(ended.unwrap_err().is_gone());
    }
}
