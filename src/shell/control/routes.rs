//! The one table of the control API: method, path, least role, what it takes and who answers.
//!
//! Invariant: nothing is served that has no row here, so that a test can walk every route with every role.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::Method;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, on};

use super::access::Least;
use super::call::Call;
use super::counter::{Counter, attend, attend_unknown};
use super::problem::{Problem, wrong_method};
use super::{board, events, forecasts, health, intake, orders, overrides};

/// What a route answers with.
pub type Answer = Pin<Box<dyn Future<Output = Result<Response, Problem>> + Send>>;

/// One row.
pub struct Route {
    /// GET answers HEAD too.
    pub method: Method,
    /// With parameters in braces.
    pub path: &'static str,
    /// What it does, in a phrase.
    pub does: &'static str,
    /// Who may use it.
    pub least: Least,
    /// The body it takes.
    pub takes: Takes,
    /// Query parameters it knows; others are refused, so that a typo never widens an order.
    pub query: &'static [&'static str],
    act: Act,
}

/// Who answers.
#[derive(Clone, Copy)]
enum Act {
    /// Out of the view, at once; there is always something to show.
    Show(fn(&Call) -> Response),
    /// Out of the view, at once.
    Read(fn(&Call) -> Result<Response, Problem>),
    /// After asking the daemon.
    Ask(fn(Call) -> Answer),
}

/// The body that a route takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// None; one that is sent is not read.
    Nothing,
    /// `application/json`.
    Json,
    /// `application/json`, or none.
    OptionalJson,
    /// YAML documents.
    Yaml,
}

impl Route {
    const fn does(mut self, does: &'static str) -> Self {
        self.does = does;
        self
    }

    /// Answers a call that may use this route.
    pub async fn act(&self, call: Call) -> Result<Response, Problem> {
        match self.act {
            Act::Show(show) => Ok(show(&call)),
            Act::Read(read) => read(&call),
            Act::Ask(ask) => ask(call).await,
        }
    }
}

const fn get(path: &'static str, least: Least, read: fn(&Call) -> Result<Response, Problem>) -> Route {
    Route { method: Method::GET, path, does: "", least, takes: Takes::Nothing, query: &[], act: Act::Read(read) }
}

const fn show(path: &'static str, least: Least, show: fn(&Call) -> Response) -> Route {
    Route { method: Method::GET, path, does: "", least, takes: Takes::Nothing, query: &[], act: Act::Show(show) }
}

const fn put(path: &'static str, least: Least, takes: Takes, ask: fn(Call) -> Answer) -> Route {
    Route { method: Method::PUT, path, does: "", least, takes, query: &[], act: Act::Ask(ask) }
}

/// Every route.
pub static ROUTES: &[Route] = &[
    show("/", Least::Anybody, health::front).does("says where to look"),
    get("/-/healthy", Least::Anybody, health::healthy).does("200 while the listener and the loop behind it run"),
    get("/-/ready", Least::Anybody, health::ready).does(
        "200 once the first decision is made, documents are in force, and while decisions can be made durable; else 503 with the reason; a second line says if newer ones are refused",
    ),
    show("/metrics", Least::Anybody, health::metrics).does("the metrics of METRICS.md, as Prometheus reads them"),
    show("/api/v1/releases", Least::Viewer, board::releases).does("how all releases stand"),
    get("/api/v1/releases/{release}", Least::Viewer, board::release)
        .does("how one release stands: phase, clock, readiness, gate, groups, coverage"),
    put("/api/v1/releases/{release}/phases/{phase}", Least::Operator, Takes::Json, |call| Box::pin(orders::phase(call)))
        .does("orders go, hold, resume, advance, promote, abort, clear or scrub"),
    put("/api/v1/releases/{release}/sign-offs/{item}", Least::Known, Takes::OptionalJson, |call| {
        Box::pin(orders::sign_off(call))
    })
    .does("signs an item; the roles that the item asks for count"),
    put("/api/v1/releases/{release}/waivers/{item}", Least::Operator, Takes::Json, |call| Box::pin(orders::waive(call)))
        .does("waives an item for a while"),
    show("/api/v1/checklists", Least::Viewer, board::checklists).does("the items of all releases"),
    get("/api/v1/checklists/{release}", Least::Viewer, board::checklist).does("the items of one release"),
    get("/api/v1/gates/{release}", Least::Viewer, board::gate).does("what the gate has seen, and the bounds it decides by"),
    Route {
        method: Method::POST,
        path: "/api/v1/gates/counts/{source}",
        does: "takes the counts of one period from one sender; sending it again replaces it",
        least: Least::Operator,
        takes: Takes::Json,
        query: &[],
        act: Act::Ask(|call| Box::pin(intake::counts(call))),
    },
    show("/api/v1/priming", Least::Viewer, board::priming).does("what is proven warm, by policy and node"),
    show("/api/v1/halts", Least::Viewer, board::halts).does("the halts in force"),
    put("/api/v1/halts/{app}", Least::Operator, Takes::Json, |call| Box::pin(orders::halt(call)))
        .does("halts an app, one of its channels or one of its versions, from the next request on"),
    Route {
        method: Method::DELETE,
        path: "/api/v1/halts/{app}",
        does: "lifts a halt, or adds a voice to lifting it",
        least: Least::Operator,
        takes: Takes::OptionalJson,
        query: &["channel", "version", "break_glass", "reason"],
        act: Act::Ask(|call| Box::pin(orders::lift(call))),
    },
    show("/api/v1/forecasts", Least::Viewer, forecasts::list).does("the load that each group is planned for"),
    Route {
        method: Method::GET,
        path: "/api/v1/forecasts/{group}",
        does: "the forecast of a group's ordinary days and their peaks, with its backtest; `horizon` is 24h unless told",
        least: Least::Viewer,
        takes: Takes::Nothing,
        query: &["horizon"],
        act: Act::Ask(|call| Box::pin(forecasts::of_group(call))),
    },
    show("/api/v1/overrides", Least::Viewer, overrides::list).does("the overrides in force: whose, why and until when"),
    Route {
        method: Method::PUT,
        path: "/api/v1/overrides/{group}/{kind}",
        does: "imposes a floor, ceiling, pin or freeze on a group for a while, in place of one of its kind; with `dry_run=true` says what it would do and cost, and does nothing",
        least: Least::Operator,
        takes: Takes::Json,
        query: &["dry_run"],
        act: Act::Ask(|call| Box::pin(overrides::add(call))),
    },
    put("/api/v1/overrides/{group}/{kind}/end", Least::Operator, Takes::Json, |call| Box::pin(overrides::extend(call)))
        .does("lets an override end later"),
    Route {
        method: Method::DELETE,
        path: "/api/v1/overrides/{group}/{kind}",
        does: "ends an override now; what it raised is given back by the ramp",
        least: Least::Operator,
        takes: Takes::OptionalJson,
        query: &["reason"],
        act: Act::Ask(|call| Box::pin(overrides::clear(call))),
    },
    get("/api/v1/plans/{release}", Least::Viewer, board::plan).does("everything the release will do: when, what, why"),
    put("/api/v1/plans/{release}", Least::Operator, Takes::Json, |call| Box::pin(orders::plan(call)))
        .does("carries out a saved plan, if nothing that it was made from has moved"),
    Route {
        method: Method::GET,
        path: "/api/v1/events",
        does: "the timeline, oldest first; with `Accept: text/event-stream` as a stream",
        least: Least::Viewer,
        takes: Takes::Nothing,
        query: &["after", "limit"],
        act: Act::Ask(|call| Box::pin(events::events(call))),
    },
    put("/api/v1/documents", Least::Admin, Takes::Yaml, |call| Box::pin(intake::documents(call)))
        .does("creates or changes documents; all of them or none"),
    Route {
        method: Method::DELETE,
        path: "/api/v1/documents/{kind}/{name}",
        does: "takes a document out of force that was applied, or that vanished from its file and is kept",
        least: Least::Admin,
        takes: Takes::OptionalJson,
        query: &["reason"],
        act: Act::Ask(|call| Box::pin(intake::remove(call))),
    },
    Route {
        method: Method::POST,
        path: "/-/reload",
        does: "reads the files again now, and says what changed or what is wrong with them",
        least: Least::Admin,
        takes: Takes::Nothing,
        query: &[],
        act: Act::Ask(|call| Box::pin(intake::reload(call))),
    },
];

/// The router over the table.
pub fn router(counter: Arc<Counter>) -> Router {
    let mut router = Router::new();
    for route in ROUTES {
        let Ok(filter) = MethodFilter::try_from(route.method.clone()) else { continue };
        let answer = move |State(counter): State<Arc<Counter>>, request: Request| attend(route, counter, request);
        router = router.route(route.path, on(filter, answer));
    }
    router
        .method_not_allowed_fallback(|State(counter): State<Arc<Counter>>, request: Request| async move {
            let allowed = allowed(request.uri().path());
            match attend_unknown(&counter, &request) {
                Ok(()) => wrong_method(&allowed),
                Err(problem) => problem.into_response(),
            }
        })
        .fallback(|State(counter): State<Arc<Counter>>, request: Request| async move {
            attend_unknown(&counter, &request).map_or_else(Problem::into_response, |()| Problem::not_found().into_response())
        })
        .layer(map_response(harden))
        .with_state(counter)
}

/// Methods of the rows whose path has this shape.
fn allowed(path: &str) -> String {
    let segments = |path: &str| path.split('/').map(str::to_owned).collect::<Vec<String>>();
    let asked = segments(path);
    let fits = |route: &&Route| {
        let own = segments(route.path);
        own.len() == asked.len() && own.iter().zip(&asked).all(|(own, asked)| own.starts_with('{') || own == asked)
    };
    let methods: Vec<&str> = ROUTES.iter().filter(fits).map(|route| route.method.as_str()).collect();
    methods.join(", ")
}

/// What every answer carries: JSON is never sniffed as a page, nothing may embed it, nothing is kept by caches.
async fn harden(mut response: Response) -> Response {
    let headers = response.headers_mut();
    let values: [(HeaderName, &str); 3] = [
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
        (CACHE_CONTROL, "no-store"),
    ];
    for (name, value) in values {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}
