//! The answers that api.md leaves open (its section 7), as switches. The defaults are what is most convenient for a
//! client; each test turns on what it is about.

use super::super::server::ALICE;

/// How a list is wrapped (api.md 1.5).
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Shape {
    Array,
    ItemsTotal,
    LimitOffset,
    Pages,
}

/// How times are written (api.md 1.8). The instant is the same.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Times {
    Zulu,
    /// No zone at all: to be read as UTC.
    NoZone,
    /// `+02:00`.
    Offset,
    /// `Z`, and milliseconds only.
    Millis,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Total {
    AllMatches,
    PageOnly,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Order {
    /// As `sort_by` and `order` ask.
    AsAsked,
    /// Newest id first, whatever is asked.
    IdDescending,
    /// In no order that means anything, but always the same one.
    Scrambled,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bound {
    Inclusive,
    Exclusive,
    Ignored,
}

/// How errors are worded (api.md 1.7).
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Errors {
    Problem,
    FastApi,
    /// `error`, `message`, `code`.
    Older,
    /// A proxy's page.
    Html,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Generation {
    /// As client 0.9.1 knows it.
    C,
    /// As client 0.11.3 knows it: no labels, no estimate.
    D,
}

/// `Retry-After` in its two forms.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum RetryAfter {
    Seconds(u32),
    /// A date so many seconds from now.
    Date(u32),
}

#[derive(Debug, Clone)]
pub struct Quirks {
    pub generation: Generation,
    pub workspaces: Shape,
    pub projects: Shape,
    /// `None`: 404 on the collection.
    pub members: Option<Shape>,
    pub labels: Option<Shape>,
    /// There are comments: changed below the workspace in C, below the task in D.
    pub comments: bool,
    /// There are attempts and artifacts, as in C: without `updated_at`, listed below the task and the attempt.
    pub attempts: bool,
    pub graph: bool,
    pub auth: bool,
    pub times: Times,
    /// The status word is `inprogress`, and `active` is refused.
    pub inprogress: bool,
    /// Larger limits are cut to this in silence.
    pub page_cap: Option<usize>,
    /// Larger limits are refused.
    pub limit_bound: Option<usize>,
    pub total: Total,
    /// All list filters but the paging are ignored.
    pub ignores_filters: bool,
    pub order: Order,
    pub updated_after: Bound,
    /// Deleted tasks stay in lists, with their `deleted_at`.
    pub lists_tombstones: bool,
    /// Optional fields that are null, or have their default value, are left out.
    pub omits_optional: bool,
    /// Query parameters that api.md does not name are refused.
    pub refuses_unknown_query: bool,
    /// Body fields that the generation does not name are refused instead of ignored.
    pub refuses_unknown_fields: bool,
    /// A POST repeated with the same `Idempotency-Key` answers as the first did.
    pub idempotency: bool,
    /// `If-Match` is not looked at.
    pub ignores_if_match: bool,
    pub errors: Errors,
    /// The next so many requests below `/v1` get 429.
    pub throttle: Option<(usize, RetryAfter)>,
    /// Every request below `/v1` gets this.
    pub always: Option<u16>,
    pub tokens: Vec<String>,
}

impl Quirks {
    pub fn c() -> Quirks {
        Quirks {
            generation: Generation::C,
            workspaces: Shape::Pages,
            projects: Shape::Pages,
            members: Some(Shape::Pages),
            labels: Some(Shape::LimitOffset),
            comments: false,
            attempts: false,
            graph: true,
            auth: true,
            times: Times::Zulu,
            inprogress: false,
            page_cap: None,
            limit_bound: None,
            total: Total::AllMatches,
            ignores_filters: false,
            order: Order::AsAsked,
            updated_after: Bound::Inclusive,
            lists_tombstones: false,
            omits_optional: false,
            refuses_unknown_query: false,
            refuses_unknown_fields: false,
            idempotency: false,
            ignores_if_match: false,
            errors: Errors::Problem,
            throttle: None,
            always: None,
            tokens: vec![ALICE.into()],
        }
    }

    /// As client 0.5.0 knows it: labels are a bare array.
    pub fn v0_5() -> Quirks {
        Quirks { labels: Some(Shape::Array), ..Quirks::v0_9_1() }
    }

    /// As client 0.9.1 knows it: everything there ever was.
    pub fn v0_9_1() -> Quirks {
        Quirks { comments: true, attempts: true, ..Quirks::c() }
    }

    /// As client 0.11.3 knows it: no labels, comments below their tasks.
    pub fn v0_11_3() -> Quirks {
        Quirks { comments: true, ..Quirks::d() }
    }

    pub fn d() -> Quirks {
        Quirks { generation: Generation::D, labels: None, ..Quirks::c() }
    }
}
