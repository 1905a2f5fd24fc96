//! A server that plays what `anyt-server` does not: generations C and D of api.md with every answer its section 7
//! leaves open as a switch (`Quirks`). Small, in memory, and as odd as the contract allows.

mod quirks;
mod routes;
mod shapes;
mod world;

pub use quirks::{Bound, Errors, Order, Quirks, RetryAfter, Shape, Times, Total};
pub use world::World;

use super::accept::Acceptor;
use super::http::{self, Message};
use super::json::{self, Object, Value};
use std::io::{BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};

pub struct Scripted {
    acceptor: Acceptor,
    shared: Arc<Shared>,
}

struct Shared {
    world: Mutex<World>,
    requests: Mutex<Vec<Message>>,
}

impl Scripted {
    pub fn start(quirks: Quirks) -> Scripted {
        let shared = Arc::new(Shared { world: Mutex::new(World::new(quirks)), requests: Mutex::default() });
        let inner = shared.clone();
        let acceptor = Acceptor::start(move |stream, _| {
            // An error here is the client's going away: nobody is left to tell.
            let _ = serve(&inner, stream);
        });
        Scripted { acceptor, shared }
    }

    pub fn address(&self) -> SocketAddr {
        self.acceptor.door().address()
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address())
    }

    /// What it knows, to look at or to change between requests.
    pub fn world(&self) -> MutexGuard<'_, World> {
        self.shared.world.lock().expect("no request is being answered")
    }

    /// All requests so far.
    pub fn requests(&self) -> Vec<Message> {
        self.shared.requests.lock().expect("no thread panics holding it").clone()
    }

    /// A task somebody else made; its identifier.
    pub fn add_task(&self, fields: &Value) -> String {
        let mut world = self.world();
        let id = world.create(members(fields));
        json::as_text(&world.tasks[&id]["identifier"]).unwrap_or_default().to_string()
    }

    /// A change somebody else makes.
    pub fn change_task(&self, identifier: &str, fields: &Value) {
        let mut world = self.world();
        let id = world.find(identifier).unwrap_or_else(|| panic!("there is no {identifier}"));
        world.update(id, members(fields));
    }

    pub fn delete_task(&self, identifier: &str) {
        let mut world = self.world();
        let id = world.find(identifier).unwrap_or_else(|| panic!("there is no {identifier}"));
        world.delete(id);
    }

    /// A live task as it is kept, whatever the quirks say of its wording.
    pub fn task(&self, identifier: &str) -> Option<Value> {
        let world = self.world();
        world.find(identifier).map(|id| Value::Object(world.tasks[&id].clone()))
    }

    pub fn live_tasks(&self) -> Vec<Value> {
        let world = self.world();
        let live = world.tasks.values().filter(|task| world::is_live(task));
        live.map(|task| Value::Object(task.clone())).collect()
    }
}

fn members(fields: &Value) -> &Object {
    match fields {
        Value::Object(members) => members,
        other => panic!("fields are a JSON object, not {}", json::to_string(other)),
    }
}

fn serve(shared: &Shared, stream: TcpStream) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut stream = stream;
    while let Some(request) = http::read(&mut reader)? {
        shared.requests.lock().expect("no thread panics holding it").push(request.clone());
        let reply = routes::answer(&mut shared.world.lock().expect("no thread panics holding it"), &request);
        stream.write_all(&reply.bytes())?;
        if request.header("Connection").is_some_and(|value| value.eq_ignore_ascii_case("close")) {
            break;
        }
    }
    Ok(())
}
