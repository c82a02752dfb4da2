//! What a user asks of the topic that is appended to, and whether the topic is like that.

use std::sync::Arc;

use serde_json::Value;

use super::error::Error;
use crate::api::appending::Keep;
use crate::api::error::Code;
use crate::api::reading::Offsets;
use crate::api::topics::{Create, Named};
use crate::broker::Broker;
use crate::log::{Draft, LogError, Settings, Topic};
use crate::wire::client::{Client, ClientError};

/// What the user asks of the topic; a topic that is there must agree.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// How many partitions.
    pub partitions: Option<u32>,
    /// The jq expression that places records.
    pub key: Option<String>,
}

impl Wanted {
    /// How many partitions the topic gets if it is created.
    pub(super) fn partitions(&self) -> u32 {
        self.partitions.unwrap_or(1)
    }

    /// What creates a topic like this.
    pub(super) fn to_create(&self, topic: &str) -> Create {
        let (partitions, key) = (self.partitions, self.key.clone());
        Create { topic: topic.to_owned(), partitions, key, ..Create::default() }
    }

    /// The topic as it would be created.
    pub(super) fn draft(&self, topic: &str) -> Result<Draft, LogError> {
        Draft::new(topic, Settings::new(self.partitions(), self.key.clone()))
    }

    /// Whether the topic is there; if so, it must be as wanted, and take our appends.
    pub(super) fn agrees_with_daemon(
        &self,
        client: &mut Client,
        name: &str,
    ) -> Result<bool, Error> {
        let ask = Offsets { topic: name.to_owned(), ..Offsets::default() };
        match client.offsets(ask) {
            Ok(_) => {}
            Err(ClientError::Refused(refused)) if refused.code == Code::UnknownTopic => {
                return Ok(false);
            }
            Err(error) => return Err(error.into()),
        }
        if self.partitions.is_some() || self.key.is_some() {
            let there = client.describe(Named { topic: name.to_owned() })?.settings;
            let partitions = there.get("partitions").and_then(Value::as_u64).unwrap_or_default();
            let partitions = u32::try_from(partitions).unwrap_or(u32::MAX);
            self.agree(name, partitions, there.get("key").and_then(Value::as_str))?;
        }
        // Who may only read hears of it before there is any input. Whatever else it is may have
        // passed when there is something to append.
        let nothing = Keep { topic: name.to_owned(), names: Vec::new() };
        match client.keep(nothing) {
            Err(ClientError::Refused(refused)) if refused.code == Code::NotPermitted => {
                Err(ClientError::Refused(refused).into())
            }
            Err(error) if error.is_gone() => Err(error.into()),
            _ => Ok(true),
        }
    }

    /// The topic if it is there; it must be as wanted.
    pub(super) fn find(&self, broker: &Broker, name: &str) -> Result<Option<Arc<Topic>>, Error> {
        let topic = match broker.open(name) {
            Err(LogError::UnknownTopic { .. }) => return Ok(None),
            topic => topic?,
        };
        let settings = topic.settings();
        self.agree(name, settings.partitions, settings.key.as_deref())?;
        Ok(Some(topic))
    }

    /// Whether a topic that exists is what the user asked for.
    fn agree(&self, name: &str, partitions: u32, key: Option<&str>) -> Result<(), Error> {
        let refuse = |what: String| Err(Error::NotAsWanted { topic: name.to_owned(), what });
        if self.partitions.is_some_and(|wanted| wanted != partitions) {
            let what = if partitions == 1 { "partition" } else { "partitions" };
            return refuse(format!(
                "{partitions} {what}; log-admin alter --partitions adds partitions"
            ));
        }
        match key {
            _ if self.key.is_none() || self.key.as_deref() == key => Ok(()),
            Some(key) => refuse(format!("the key {key}")),
            None => refuse("no key".to_owned()),
        }
    }
}
