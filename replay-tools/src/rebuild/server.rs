//! A rebuild by the running service: asked for, watched, cancelled. It goes on there whatever becomes of this tool.

use std::time::Duration;

use anyhow::{Context, bail};
use indicatif::ProgressBar;
use reqwest::{Client, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Promote, Rebuild};
use crate::{ending::Ending, progress};

/// How often the service is asked how far it is.
const ASK_EVERY: Duration = Duration::from_millis(500);
const PATIENCE: Duration = Duration::from_secs(30);
/// How often a generation may be seen ready before it is taken for staying so.
const SEEN_READY_MAX: u32 = 6;

struct Service<'a> {
    client: Client,
    root: &'a str,
    token: String,
}

/// What of a row of `GET /admin/projections` matters here.
#[derive(Debug, Deserialize)]
struct Row {
    name: String,
    generation: u64,
    state: String,
    #[serde(default)]
    digest: Option<String>,
    #[serde(default)]
    progress: Option<Progress>,
    #[serde(default)]
    reason: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Progress {
    events: u64,
    of: u64,
}

#[derive(Deserialize)]
struct All {
    items: Vec<Row>,
}

impl Rebuild {
    pub(super) async fn by(self, server: &str) -> anyhow::Result<Ending> {
        let file = self.token_file.as_ref().context("--token-file is needed")?;
        let token = std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
        let service = Service {
            client: Client::builder().timeout(PATIENCE).build()?,
            root: server.trim_end_matches('/'),
            token: token.trim().to_owned(),
        };
        if self.cancel {
            service
                .ask(&self.name, "cancel", &json!({ "reason": self.reason }))
                .await?;
            let mut results = self.showing.results();
            results.json(&json!({ "view": self.name, "cancelled": true }))?;
            results.say(format!("the rebuild of {} is cancelled", self.name))?;
            results.finish()?;
            return Ok(Ending::Done);
        }
        let generation = self.begin(&service).await?;
        let bar = progress::bar(self.showing, 0, "events");
        let ended = tokio::select! {
            ended = self.follow(&service, generation, &bar) => ended?,
            Ok(()) = tokio::signal::ctrl_c() => {
                bar.finish_and_clear();
                eprintln!(
                    "the service goes on rebuilding {}; the same command with --cancel ends it, and without watches it again",
                    self.name
                );
                crate::ending::interrupted()
            }
        };
        bar.finish_and_clear();
        let mut results = self.showing.results();
        results.json(&json!({
            "view": ended.name,
            "generation": ended.generation,
            "state": ended.state,
            "digest": ended.digest,
            "reason": ended.reason,
        }))?;
        let reason = ended
            .reason
            .as_deref()
            .map(|reason| format!(": {reason}"))
            .unwrap_or_default();
        results.say(format!(
            "{} generation {} is {}{reason}",
            ended.name, ended.generation, ended.state
        ))?;
        results.finish()?;
        let wanted = if self.promote == Promote::Never {
            "ready"
        } else {
            "serving"
        };
        Ok(Ending::differs(ended.state != wanted))
    }

    /// The generation that is being built: a new one, or one that somebody began before.
    async fn begin(&self, service: &Service<'_>) -> anyhow::Result<u64> {
        let promote = match self.promote {
            Promote::WhenEqual => "when_equal",
            Promote::Always => "always",
            Promote::Never => "never",
        };
        let wish = json!({ "promote": promote, "events_per_s": self.events_per_s, "reason": self.reason });
        if let Some(begun) = service.ask(&self.name, "rebuild", &wish).await? {
            return begun["generation"]
                .as_u64()
                .context("the service did not say which generation it builds");
        }
        let rows = service.rows(&self.name).await?;
        let built = rows.iter().find(|row| row.is_being_built());
        let built = built.context("the service is at a rebuild of this view already, which ended just now")?;
        eprintln!("the service is rebuilding {} already; this is how far it is", self.name);
        Ok(built.generation)
    }

    async fn follow(&self, service: &Service<'_>, generation: u64, bar: &ProgressBar) -> anyhow::Result<Row> {
        let mut seen_ready = 0;
        loop {
            let rows = service.rows(&self.name).await?;
            let Some(row) = rows.into_iter().find(|row| row.generation == generation) else {
                bail!(
                    "generation {generation} of {} is gone: its rebuild was cancelled",
                    self.name
                );
            };
            if let Some(progress) = &row.progress {
                bar.set_length(progress.of);
                bar.set_position(progress.events);
            }
            seen_ready += u32::from(row.state == "ready");
            let waits_for_somebody =
                row.reason.is_some() || self.promote == Promote::Never || seen_ready > SEEN_READY_MAX;
            match row.state.as_str() {
                "serving" | "halted" | "retired" => return Ok(row),
                "ready" if waits_for_somebody => return Ok(row),
                _ => tokio::time::sleep(ASK_EVERY).await,
            }
        }
    }
}

impl Row {
    fn is_being_built(&self) -> bool {
        matches!(self.state.as_str(), "building" | "catching_up")
    }
}

impl Service<'_> {
    /// What was answered; nothing when a rebuild is running already.
    async fn ask(&self, view: &str, what: &str, wish: &Value) -> anyhow::Result<Option<Value>> {
        let Value::Object(mut wish) = wish.clone() else {
            return Ok(None);
        };
        wish.retain(|_, value| !value.is_null());
        let url = format!("{}/api/v1/admin/projections/{view}/{what}", self.root);
        let asked = self.client.post(url).bearer_auth(&self.token).json(&wish);
        let answer = asked.send().await.context("the service cannot be reached")?;
        if answer.status() == StatusCode::CONFLICT && what == "rebuild" {
            return Ok(None);
        }
        told(answer).await.map(Some)
    }

    async fn rows(&self, view: &str) -> anyhow::Result<Vec<Row>> {
        let url = format!("{}/api/v1/admin/projections", self.root);
        let asked = self.client.get(url).bearer_auth(&self.token);
        let answer = told(asked.send().await.context("the service cannot be reached")?).await?;
        let all: All = serde_json::from_value(answer).context("the service answered something else than its views")?;
        Ok(all.items.into_iter().filter(|row| row.name == view).collect())
    }
}

/// The answer, or the problem in the service's own words.
async fn told(answer: reqwest::Response) -> anyhow::Result<Value> {
    let status = answer.status();
    let body: Value = answer.json().await.unwrap_or_default();
    if status.is_success() {
        return Ok(body);
    }
    let words = ["code", "detail", "title"]
        .iter()
        .filter_map(|field| body[field].as_str());
    let words: Vec<&str> = words.collect();
    bail!("the service answered {status}: {}", words.join(", "))
}
