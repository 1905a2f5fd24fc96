//! One file per resource of api.md section 2: reads the request, calls the store, writes the JSON. No SQL, no sockets.

pub mod api_keys;
pub mod comments;
pub mod dependencies;
pub mod labels;
pub mod members;
pub mod projects;
pub mod service;
pub mod suggest;
pub mod task_input;
pub mod tasks;
pub mod users;
pub mod workspaces;
