//! How long a record takes from its sending to its arrival, at 1,000 records a second.

use std::fmt;
use std::io;
use std::thread;
use std::time::{Duration, Instant};

const PERIOD: Duration = Duration::from_millis(1);
/// Records at the beginning that do not count.
const WARM_UP: usize = 500;

/// Latencies in order.
pub struct Latencies(Vec<Duration>);

impl fmt::Display for Latencies {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        let at = |share: f64| {
            let place = (self.0.len() as f64 * share) as usize;
            self.0.get(place.min(self.0.len() - 1)).map_or(0.0, |time| time.as_secs_f64() * 1e6)
        };
        write!(out, "{:.1} {:.1} {:.1}", at(0.5), at(0.99), at(0.999))
    }
}

/// Sends `count` records at 1,000/s with `send`, while `receive` gives each as it arrives. Every
/// record tells when it was sent.
pub fn measure(
    count: usize,
    mut send: impl FnMut(&[u8]) -> io::Result<()> + Send + 'static,
    mut receive: impl FnMut(&mut Vec<u8>) -> io::Result<()>,
) -> io::Result<Latencies> {
    let start = Instant::now();
    let sender = thread::spawn(move || -> io::Result<()> {
        let mut due = Instant::now();
        for number in 0..count + WARM_UP {
            due += PERIOD;
            thread::sleep(due.saturating_duration_since(Instant::now()));
            let record = record(number, start.elapsed());
            send(record.as_bytes())?;
        }
        Ok(())
    });
    let mut record = Vec::new();
    let mut taken = Vec::with_capacity(count);
    for number in 0..count + WARM_UP {
        record.clear();
        receive(&mut record)?;
        let now = start.elapsed();
        let sent = sent(&record, number)?;
        if number >= WARM_UP {
            taken.push(now.saturating_sub(sent));
        }
    }
    sender.join().map_err(|_| io::Error::other("the sender panicked"))??;
    taken.sort_unstable();
    Ok(Latencies(taken))
}

/// A record of about 210 bytes.
fn record(number: usize, sent: Duration) -> String {
    let filler = "/api/v1/items?page=7 Mozilla/5.0 (X11; Linux x86_64) ".repeat(3);
    format!(r#"{{"sent_ns":{},"number":{number},"agent":"{filler}"}}"#, sent.as_nanos())
}

/// When a record was sent; it must be the one whose turn it is.
fn sent(record: &[u8], number: usize) -> io::Result<Duration> {
    let text = String::from_utf8_lossy(record);
    let field = |name: &str| -> Option<u64> {
        let rest = &text[text.find(name)? + name.len()..];
        rest[..rest.find(',')?].parse().ok()
    };
    match (field("\"sent_ns\":"), field("\"number\":")) {
        (Some(sent), Some(found)) if found == number as u64 => Ok(Duration::from_nanos(sent)),
        _ => Err(io::Error::other(format!("not record {number}: {text}"))),
    }
}
