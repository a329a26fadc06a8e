//! A strict Auto Scaling service: the real wire protocol over HTTP, with the refusals, pages and delays of the real one.
//!
//! [`world`] is what it knows and how it behaves, `wire` how it is asked and answers, `answers` operation by operation.
//! [`cloudwatch`] is that service of its own. Tests move its clock, put it out of order and read its ledger.

mod answers;
pub mod cloudwatch;
mod wire;
pub mod world;

use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use tminus::shell::clock;

use self::world::{Trouble, World};

/// See the module. It ends with the test.
#[derive(Clone)]
pub struct Fake {
    pub address: String,
    world: Arc<Mutex<World>>,
}

impl Fake {
    /// Serves a world whose clock is the wall clock, moved on by [`World::skip`], until [`World::stop`].
    pub async fn serve() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let world = Arc::new(Mutex::new(World::new(clock::now().as_second())));
        let router = Router::new().route("/", post(attend)).with_state(world.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, world }
    }

    /// What it knows, as of now.
    pub fn world(&self) -> MutexGuard<'_, World> {
        let mut world = self.world.lock().unwrap();
        world.live(clock::now().as_second());
        world
    }
}

async fn attend(State(world): State<Arc<Mutex<World>>>, headers: HeaderMap, body: Bytes) -> Response {
    let takes = {
        let mut world = world.lock().unwrap();
        let (now, most) = world.under_way;
        world.under_way = (now + 1, most.max(now + 1));
        world.takes
    };
    tokio::time::sleep(takes).await;
    world.lock().unwrap().under_way.0 -= 1;
    answer(&world, (&headers, &body))
}

fn answer(world: &Mutex<World>, (headers, body): (&HeaderMap, &[u8])) -> Response {
    let form = wire::form(body);
    let (key, region, service) = wire::signer(headers);
    let action = form.get("Action").cloned().unwrap_or_default();
    let (trouble, answer) = {
        let mut world = world.lock().unwrap();
        world.live(clock::now().as_second());
        world.callers.insert((key, region, format!("{service}:{action}")));
        let trouble = world.trouble(&action);
        if trouble == Some(Trouble::Throttles) {
            (trouble, Err(("Throttling", "Rate exceeded".to_owned())))
        } else {
            let answer = answers::answer(&mut world, &action, &form);
            // A request that came twice is carried out twice.
            let answer =
                if trouble == Some(Trouble::Doubles) { answers::answer(&mut world, &action, &form).and(answer) } else { answer };
            (trouble, answer)
        }
    };
    match (trouble, answer) {
        (Some(Trouble::LosesAnswers), _) => {
            // The change is made; whoever asked hears something that is no answer.
            (StatusCode::BAD_GATEWAY, "the answer is lost").into_response()
        }
        (_, Ok(result)) => xml(StatusCode::OK, wire::success(&action, &result)),
        (_, Err((code, message))) => xml(StatusCode::BAD_REQUEST, wire::failure(code, &message)),
    }
}

fn xml(status: StatusCode, text: String) -> Response {
    (status, [(header::CONTENT_TYPE, "text/xml")], text).into_response()
}
