//! An answer over HTTP, read whole, with the assertions every test makes of it.

use std::ops::Index;

use reqwest::header::HeaderMap;
use serde_json::Value;

#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
    /// Null when the body is not JSON.
    pub body: Value,
    /// `GET /api/v1/...`, for the sentence of a failed assertion.
    pub asked: String,
}

impl Answer {
    pub(crate) async fn read(asked: String, response: reqwest::Response) -> reqwest::Result<Self> {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await?;
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        Ok(Self {
            status,
            headers,
            text,
            body,
            asked,
        })
    }

    /// The status is exactly this one.
    #[track_caller]
    pub fn is(self, status: u16) -> Self {
        assert_eq!(
            self.status, status,
            "{} answered {}: {}",
            self.asked, self.status, self.text
        );
        self
    }

    /// 200 or 201.
    #[track_caller]
    pub fn accepted(self) -> Self {
        assert!(
            matches!(self.status, 200 | 201),
            "{} answered {}: {}",
            self.asked,
            self.status,
            self.text
        );
        self
    }

    /// An error with this status in the one shape all errors have.
    #[track_caller]
    pub fn problem(self, status: u16) -> Self {
        let answer = self.is(status);
        answer.assert_problem_shape();
        answer
    }

    /// An error with this status and this stable code.
    #[track_caller]
    pub fn problem_code(self, status: u16, code: &str) -> Self {
        let answer = self.problem(status);
        assert_eq!(answer.body["code"], code, "{} answered {}", answer.asked, answer.text);
        answer
    }

    /// `application/problem+json` with every promised member, agreeing with the headers.
    #[track_caller]
    pub fn assert_problem_shape(&self) {
        let context = format!("{} answered {} {}", self.asked, self.status, self.text);
        assert!((400..600).contains(&self.status), "not an error: {context}");
        let media_type = self.header("content-type").unwrap_or_default();
        assert!(
            media_type.starts_with("application/problem+json"),
            "content type {media_type:?}: {context}"
        );
        let code = self.body["code"].as_str().unwrap_or_default();
        assert!(
            code.split('/').count() == 2 && !code.contains(char::is_whitespace),
            "code {code:?}: {context}"
        );
        assert_eq!(self.body["type"], format!("/problems/{code}"), "{context}");
        assert_eq!(self.body["status"], self.status, "{context}");
        assert!(
            self.body["title"].as_str().is_some_and(|title| !title.is_empty()),
            "no title: {context}"
        );
        assert!(
            self.body["detail"].as_str().is_some_and(|detail| !detail.is_empty()),
            "no detail: {context}"
        );
        assert_eq!(
            self.body["request_id"].as_str(),
            self.header("x-request-id"),
            "{context}"
        );
        for error in self.body["errors"].as_array().into_iter().flatten() {
            assert!(error["pointer"].is_string() && error["detail"].is_string(), "{context}");
        }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    #[track_caller]
    pub fn str(&self, member: &str) -> String {
        let text = self.body[member].as_str();
        text.unwrap_or_else(|| panic!("{} has no text {member:?}: {}", self.asked, self.text))
            .to_owned()
    }

    #[track_caller]
    pub fn u64(&self, member: &str) -> u64 {
        self.body[member]
            .as_u64()
            .unwrap_or_else(|| panic!("{} has no number {member:?}: {}", self.asked, self.text))
    }

    #[track_caller]
    pub fn items(&self) -> &Vec<Value> {
        self.body["items"]
            .as_array()
            .unwrap_or_else(|| panic!("{} has no items: {}", self.asked, self.text))
    }
}

impl Index<&str> for Answer {
    type Output = Value;

    fn index(&self, member: &str) -> &Value {
        &self.body[member]
    }
}
