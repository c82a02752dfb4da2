//! Exit statuses: the one table from what went wrong to what the shell sees.

use std::io;
use std::process::ExitCode;

use crate::aggregate::fault::StreamError;
use crate::api::error::Code;
use crate::broker;
use crate::expr::ExprError;
use crate::log::LogError;
use crate::operator::Fault;
use crate::store;
use crate::wire::ClientError;
use crate::wire::address::BindError;

/// How a tool ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// 0: done; also when whoever read our output has had enough.
    Done,
    /// 1: a result that scripts test for.
    No,
    /// 2: options or an expression that make no sense.
    Usage,
    /// 65: bad data in the input.
    Data,
    /// 69: no such daemon or topic, or nothing at that offset.
    Unavailable,
    /// 70: a fault in the tool itself.
    Internal,
    /// 73: an output cannot be created.
    CantCreate,
    /// 74: reading or writing failed.
    Io,
    /// 75: somebody else holds it now; try again.
    TryAgain,
    /// 77: not permitted.
    NotPermitted,
    /// Ended by this signal, after finishing what was in hand.
    Signal(i32),
}

impl Status {
    /// The number that the shell sees. A signal shows as 128 and its number.
    pub fn code(self) -> u8 {
        match self {
            Status::Done => 0,
            Status::No => 1,
            Status::Usage => 2,
            Status::Data => 65,
            Status::Unavailable => 69,
            Status::Internal => 70,
            Status::CantCreate => 73,
            Status::Io => 74,
            Status::TryAgain => 75,
            Status::NotPermitted => 77,
            Status::Signal(signal) => u8::try_from(128 + signal).unwrap_or(u8::MAX),
        }
    }

    /// Ends the process's main with this status. After a signal the process ends by that signal, so
    /// that a shell or a supervisor sees what it expects.
    pub(super) fn end(self) -> ExitCode {
        if let Status::Signal(signal) = self {
            let _ = signal_hook::low_level::emulate_default_handler(signal);
        }
        ExitCode::from(self.code())
    }

    /// The status for a failed system call.
    pub fn of_io(error: &io::Error) -> Status {
        match error.kind() {
            io::ErrorKind::PermissionDenied => Status::NotPermitted,
            io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => Status::Data,
            _ => Status::Io,
        }
    }

    /// The status for an error: that of the first cause in its chain that has one.
    pub fn of(error: &anyhow::Error) -> Status {
        error.chain().find_map(known).unwrap_or(Status::Io)
    }
}

/// The table. Each library error that has a status of its own has its arm here.
fn known(cause: &(dyn std::error::Error + 'static)) -> Option<Status> {
    if let Some(failure) = cause.downcast_ref::<Failure>() {
        return Some(failure.status);
    }
    if cause.is::<ExprError>() {
        return Some(Status::Usage);
    }
    if let Some(error) = cause.downcast_ref::<io::Error>() {
        return Some(Status::of_io(error));
    }
    if let Some(error) = cause.downcast_ref::<LogError>() {
        return Some(of_log(error));
    }
    if let Some(error) = cause.downcast_ref::<broker::Error>() {
        return Some(of_broker(error));
    }
    if let Some(error) = cause.downcast_ref::<store::Error>() {
        return Some(of_store(error));
    }
    if let Some(error) = cause.downcast_ref::<ClientError>() {
        return Some(of_client(error));
    }
    if let Some(error) = cause.downcast_ref::<BindError>() {
        return Some(of_bind(error));
    }
    None
}

fn of_store(error: &store::Error) -> Status {
    match error {
        store::Error::Log(error) => of_log(error),
        store::Error::Broker(error) => of_broker(error),
        store::Error::Client(error) => of_client(error),
        store::Error::Wait(error) | store::Error::Follow { error, .. } => Status::of_io(error),
        store::Error::NotAsWanted { .. } => Status::CantCreate,
        store::Error::Overtaken { .. } => Status::TryAgain,
        store::Error::NoGroup { .. }
        | store::Error::NotBack { .. }
        | store::Error::GivenUp { .. }
        | store::Error::UnknownOutput { .. } => Status::Unavailable,
    }
}

fn of_broker(error: &broker::Error) -> Status {
    match error {
        broker::Error::Log(error) => of_log(error),
        error => of_code(error.code()),
    }
}

fn of_log(error: &LogError) -> Status {
    match error {
        LogError::Io { error, .. } => of_storage(error),
        LogError::Locked { .. } => Status::TryAgain,
        LogError::NoLog { .. }
        | LogError::UnknownTopic { .. }
        | LogError::UnknownPartition { .. }
        | LogError::OffsetOutOfRange { .. } => Status::Unavailable,
        LogError::TopicExists { .. } | LogError::NameTaken { .. } => Status::CantCreate,
        LogError::BadTopicName { .. }
        | LogError::BadGroupName { .. }
        | LogError::BadSettings { .. } => Status::Usage,
        LogError::NotPermitted { .. } | LogError::ForeignLog { .. } => Status::NotPermitted,
        LogError::StaleGeneration { .. } => Status::TryAgain,
        LogError::BadRecords { .. }
        | LogError::SequenceGap { .. }
        | LogError::ChainBroken { .. }
        | LogError::BatchTooLarge { .. }
        | LogError::TooManyKeys { .. } => Status::Data,
        LogError::Damaged { .. } | LogError::BadFile { .. } | LogError::Poisoned { .. } => {
            Status::Io
        }
    }
}

/// What the daemon refuses has the status that the log's own error would have.
fn of_client(error: &ClientError) -> Status {
    match error {
        ClientError::Io { error, .. } => of_storage(error),
        ClientError::Closed { .. } | ClientError::Interrupted { .. } => Status::Unavailable,
        ClientError::Garbled { .. } => Status::Internal,
        ClientError::Refused(refused) => of_code(refused.code),
    }
}

fn of_code(code: Code) -> Status {
    match code {
        Code::BadRequest => Status::Internal,
        Code::UnknownTopic
        | Code::UnknownPartition
        | Code::OffsetOutOfRange
        | Code::UnsupportedVersion
        | Code::Unknown => Status::Unavailable,
        Code::TopicExists => Status::CantCreate,
        Code::BadTopicName | Code::BadGroupName | Code::BadSettings => Status::Usage,
        Code::NotPermitted => Status::NotPermitted,
        Code::NotAMember | Code::NotAssigned => Status::Internal,
        Code::StaleGeneration | Code::GroupInUse => Status::TryAgain,
        Code::TooLarge | Code::BadRecords | Code::SequenceGap | Code::ChainBroken => Status::Data,
        Code::Damaged | Code::ClosedToAppends | Code::Io | Code::FullDisk => Status::Io,
        Code::TimedOut | Code::TooManyConnections | Code::ShuttingDown | Code::ProducerInUse => {
            Status::TryAgain
        }
    }
}

fn of_bind(error: &BindError) -> Status {
    match error {
        BindError::InUse { .. } => Status::TryAgain,
        BindError::NotASocket { .. } => Status::CantCreate,
        BindError::Elsewhere { .. } => Status::Usage,
        BindError::Io { error, .. } => match Status::of_io(error) {
            Status::NotPermitted => Status::NotPermitted,
            _ => Status::CantCreate,
        },
    }
}

/// The status for a failed system call on the log's files or socket: what is wrong with them is not
/// the user's data.
fn of_storage(error: &io::Error) -> Status {
    match Status::of_io(error) {
        Status::Data => Status::Io,
        status => status,
    }
}

/// An error that carries its exit status: for what a tool itself finds wrong.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// How the tool ends.
    pub status: Status,
    message: String,
}

impl Failure {
    /// A failure with a message of the shape `place: cause; remedy`.
    pub fn new(status: Status, message: impl Into<String>) -> Self {
        Failure { status, message: message.into() }
    }

    /// Options that make no sense together.
    pub fn usage(message: impl Into<String>) -> Self {
        Failure::new(Status::Usage, message)
    }
}

impl From<StreamError> for Failure {
    fn from(error: StreamError) -> Failure {
        Failure::new(of_stream(&error), error.to_string())
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Failure {
        let status = match &fault {
            Fault::Bad(_) | Fault::TooManyKeys(_) => Status::Data,
            Fault::Stream(error) => of_stream(error),
            Fault::Windowed | Fault::NoAppendTimes | Fault::HeldBack => Status::Usage,
            Fault::Passing(_) | Fault::Refused(_) => Status::Io,
        };
        Failure::new(status, fault.to_string())
    }
}

/// A stream that cannot be aggregated is nothing that leaving out a line would mend.
fn of_stream(error: &StreamError) -> Status {
    match error {
        StreamError::Mixed
        | StreamError::Changed
        | StreamError::Windows(_)
        | StreamError::OutOfRange(_)
        | StreamError::Reserved(_)
        | StreamError::TooManyGroups(_)
        | StreamError::TooManyRecords(_)
        | StreamError::TooMuchToFill { .. }
        | StreamError::TooMuchMemory(_) => Status::Data,
        StreamError::Having(error) if error.is_passing() => Status::Io,
        StreamError::Having(_) => Status::Data,
        StreamError::Refused(_) => Status::Io,
        StreamError::Clash { .. }
        | StreamError::NoWindows(_)
        | StreamError::NoTime(_)
        | StreamError::NotTold(_)
        | StreamError::NoEventTime
        | StreamError::NoWindowTime
        | StreamError::NeverEmpty(_)
        | StreamError::NoFilledWindows
        | StreamError::Ranked(_) => Status::Usage,
    }
}

/// Turns an error into one for the user's options, pointing at the option that caused it.
pub fn in_option(option: &str, error: impl std::fmt::Display) -> Failure {
    Failure::usage(format!("{option}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::error::ErrorBody;
    use anyhow::Context;

    #[test]
    fn the_first_cause_that_has_a_status_counts() {
        let locked = LogError::Locked { path: "d".into() };
        let error = anyhow::Error::from(locked).context("while starting");
        assert_eq!(Status::of(&error), Status::TryAgain);
        let denied = io::Error::from(io::ErrorKind::PermissionDenied);
        let error = LogError::io("d".as_ref(), denied);
        assert_eq!(Status::of(&anyhow::Error::from(error)), Status::NotPermitted);
        assert_eq!(Status::of(&anyhow::anyhow!("?")), Status::Io);
    }

    #[test]
    fn near_and_far_errors_have_the_same_status() {
        let topic = || "t".to_owned();
        let pairs = [
            (LogError::UnknownTopic { topic: topic() }, Code::UnknownTopic),
            (
                LogError::TopicExists { topic: topic(), differences: String::new() },
                Code::TopicExists,
            ),
            (LogError::BadTopicName { name: topic() }, Code::BadTopicName),
            (LogError::BadSettings { why: topic() }, Code::BadSettings),
            (LogError::BadRecords { records: Vec::new() }, Code::BadRecords),
            (LogError::NotPermitted { topic: topic(), why: topic() }, Code::NotPermitted),
            (LogError::Poisoned { topic: topic(), why: topic() }, Code::ClosedToAppends),
        ];
        for (near, code) in pairs {
            let far = ClientError::from(ErrorBody::new(code, "m"));
            let far = Err::<(), _>(far).context("through the daemon").unwrap_err();
            let of_broker = broker::Error::from(near.clone());
            let of_store = anyhow::Error::from(store::Error::from(near.clone()));
            assert_eq!(Status::of(&of_store), Status::of(&far), "{code:?}");
            assert_eq!(Status::of(&of_broker.into()), Status::of(&far), "{code:?}");
            assert_eq!(Status::of(&anyhow::Error::from(near)), Status::of(&far), "{code:?}");
        }
    }
}
