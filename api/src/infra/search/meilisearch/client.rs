//! How the server is spoken to: in bounded time, and with nothing of the address in an error.

use std::{error::Error as _, time::Duration};

use async_trait::async_trait;
use futures_util::{AsyncRead, AsyncReadExt};
use meilisearch_sdk::{
    client::Client,
    errors::Error,
    request::{HttpClient, Method, parse_response},
    task_info::TaskInfo,
    tasks::Task,
};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use serde::{Serialize, de::DeserializeOwned};
use tokio::time::{sleep, timeout};

use super::unavailable;
use crate::infra::search::SearchError;

/// A server that is there takes a connection sooner.
const CONNECT: Duration = Duration::from_secs(1);
/// The longest that one request may take, with everything it brings.
const REQUEST: Duration = Duration::from_secs(30);
/// The first look whether a task is done; each later pause is twice as long, up to the longest.
const FIRST_LOOK: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(200);

pub type Server = Client<Http>;

#[derive(Clone)]
pub struct Http(reqwest::Client);

/// The server at this address; an error says what is wrong with the key.
pub fn connect(url: &str, key: Option<&str>) -> Result<Server, String> {
    let mut headers = HeaderMap::new();
    if let Some(key) = key {
        let bearer = HeaderValue::from_str(&format!("Bearer {key}"));
        let mut bearer = bearer.map_err(|_| "must be one line of printable characters".to_owned())?;
        bearer.set_sensitive(true);
        headers.insert(AUTHORIZATION, bearer);
    }
    let http = reqwest::Client::builder()
        .default_headers(headers)
        .connect_timeout(CONNECT)
        .timeout(REQUEST)
        .build()
        .map_err(|error| error.to_string())?;
    Ok(Client::new_with_client(url, None::<String>, Http(http)))
}

impl Http {
    async fn send<Query: Serialize, Body, Output: DeserializeOwned>(
        &self,
        url: &str,
        method: &Method<Query, Body>,
        content: Option<(&str, Vec<u8>)>,
        expected: u16,
    ) -> Result<Output, Error> {
        let verb = match method {
            Method::Get { .. } => reqwest::Method::GET,
            Method::Post { .. } => reqwest::Method::POST,
            Method::Patch { .. } => reqwest::Method::PATCH,
            Method::Put { .. } => reqwest::Method::PUT,
            Method::Delete { .. } => reqwest::Method::DELETE,
        };
        let mut request = self.0.request(verb, url).query(method.query());
        if let Some((kind, bytes)) = content {
            request = request.header(CONTENT_TYPE, kind).body(bytes);
        }
        let answer = request.send().await.map_err(other)?;
        let status = answer.status().as_u16();
        let text = answer.text().await.map_err(other)?;
        let text = if text.is_empty() { "null" } else { &text };
        parse_response(status, expected, text, url.to_owned())
    }
}

/// The last cause says what happened; the first only that something did.
fn other(error: reqwest::Error) -> Error {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(deeper) = cause {
        text = deeper.to_string();
        cause = deeper.source();
    }
    Error::Other(text.into())
}

#[async_trait]
impl HttpClient for Http {
    async fn request<Query, Body, Output>(
        &self,
        url: &str,
        method: Method<Query, Body>,
        expected: u16,
    ) -> Result<Output, Error>
    where
        Query: Serialize + Send + Sync,
        Body: Serialize + Send + Sync,
        Output: DeserializeOwned + 'static + Send,
    {
        let bytes = method.body().map(serde_json::to_vec).transpose()?;
        let content = bytes.map(|bytes| ("application/json", bytes));
        self.send(url, &method, content, expected).await
    }

    async fn stream_request<
        Query: Serialize + Send + Sync,
        Body: AsyncRead + Send + Sync + 'static,
        Output: DeserializeOwned + 'static,
    >(
        &self,
        url: &str,
        method: Method<Query, Body>,
        kind: &str,
        expected: u16,
    ) -> Result<Output, Error> {
        // The name of the method apart from what it brings.
        let (bare, body) = match method {
            Method::Get { query } => (Method::Get { query }, None),
            Method::Delete { query } => (Method::Delete { query }, None),
            Method::Post { query, body } => (Method::Post { query, body: () }, Some(body)),
            Method::Patch { query, body } => (Method::Patch { query, body: () }, Some(body)),
            Method::Put { query, body } => (Method::Put { query, body: () }, Some(body)),
        };
        let mut content = None;
        if let Some(body) = body {
            let mut bytes = Vec::new();
            let read = Box::pin(body).read_to_end(&mut bytes).await;
            read.map_err(|error| Error::Other(error.into()))?;
            content = Some((kind, bytes));
        }
        self.send(url, &bare, content, expected).await
    }

    fn is_tokio(&self) -> bool {
        true
    }
}

/// Waits until the server has done what it said it would do.
pub async fn done(server: &Server, task: &TaskInfo, patience: Duration) -> Result<(), SearchError> {
    let look = async {
        let mut pause = FIRST_LOOK;
        loop {
            match server.get_task(task).await.map_err(unavailable)? {
                Task::Succeeded { .. } => return Ok(()),
                Task::Failed { content } => return Err(unavailable(Error::Meilisearch(content.error))),
                Task::Enqueued { .. } | Task::Processing { .. } => sleep(pause).await,
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    };
    let late = |_| SearchError::Unavailable(format!("task {} was not done in time", task.get_task_uid()));
    timeout(patience, look).await.map_err(late)?
}
