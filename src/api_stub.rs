//! Signatures of the HTTP remote, until its port lands.
use crate::error::Result;
use crate::model::*;
use crate::secret::Secret;
use crate::sync::remote::*;
use std::path::PathBuf;
use std::time::Duration;
pub struct Options {
    pub base_url: String,
    pub secret: Option<Secret>,
    pub allow_insecure_http: bool,
    pub ca_file: Option<PathBuf>,
    pub timeout: Duration,
    pub patience: Patience,
    pub verbose: Option<Verbose>,
}
pub type Verbose = Box<dyn Fn(&str)>;
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Patience {
    pub tries: u32,
    pub total: Duration,
}
pub struct HealthInfo {
    pub status: String,
    pub timestamp: Option<String>,
    pub version: Option<String>,
    pub database: Option<String>,
}
pub struct Http {}
impl Http {
    pub fn new(_: Options) -> Result<Http> {
        todo!()
    }
    pub fn health(&self) -> RemoteResult<HealthInfo> {
        todo!()
    }
    pub fn create_project(&self, _: i64, _: &str, _: Option<&str>, _: &str) -> RemoteResult<Project> {
        todo!()
    }
}
impl Remote for Http {
    fn origin(&self) -> String {
        todo!()
    }
    fn declared(&self) -> Option<Capabilities> {
        todo!()
    }
    fn time_limit(&self) -> Duration {
        todo!()
    }
    fn account(&self) -> RemoteResult<Option<Account>> {
        todo!()
    }
    fn workspaces(&self) -> RemoteResult<Vec<Workspace>> {
        todo!()
    }
    fn has_workspace(&self, _: i64) -> RemoteResult<bool> {
        todo!()
    }
    fn projects(&self, _: i64) -> RemoteResult<Vec<Project>> {
        todo!()
    }
    fn members(&self, _: i64) -> RemoteResult<Option<Vec<Member>>> {
        todo!()
    }
    fn labels(&self, _: i64) -> RemoteResult<Option<Vec<Label>>> {
        todo!()
    }
    fn rows(&self, _: &'static Kind, _: i64, _: &Query) -> RemoteResult<Page> {
        todo!()
    }
    fn row(&self, _: &'static Kind, _: i64, _: &str) -> RemoteResult<Option<Row>> {
        todo!()
    }
    fn links(&self, _: &'static Kind, _: i64) -> RemoteResult<Option<Vec<Edge>>> {
        todo!()
    }
    fn links_of(&self, _: &'static Kind, _: i64, _: &str) -> RemoteResult<Option<Vec<String>>> {
        todo!()
    }
    fn send(&self, _: &Request) -> Reply {
        todo!()
    }
}
