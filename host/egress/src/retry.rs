//! Which requests are sent again, and when.

#[cfg(test)]
mod tests;

use std::time::{Duration, SystemTime};

use backon::ExponentialBuilder;
use http::{
    HeaderMap, Method, StatusCode,
    header::{HeaderName, RETRY_AFTER},
};

use crate::{terms::Retry, upload::Repeat};

/// With it a request of any method is done once, however often it arrives
/// (draft-ietf-httpapi-idempotency-key-header).
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Whether this request may be sent more than once: the terms say so, and it does the same when done twice (RFC 9110,
/// 9.2.2).
pub(crate) fn may_repeat(retry: Option<Retry>, method: &Method, headers: &HeaderMap) -> Repeat {
    let idempotent = [Method::GET, Method::HEAD, Method::OPTIONS, Method::PUT, Method::DELETE, Method::TRACE];
    match retry {
        Some(Retry { attempts: 2.., .. }) if idempotent.contains(method) || headers.contains_key(IDEMPOTENCY_KEY) => {
            Repeat::Maybe
        }
        _ => Repeat::Never,
    }
}

/// The pauses between attempts. None, when there is one attempt.
pub(crate) fn pauses(retry: Option<Retry>, repeat: Repeat) -> ExponentialBuilder {
    let (again, first, longest) = match (retry, repeat) {
        (Some(retry), Repeat::Maybe) => (retry.attempts.saturating_sub(1), retry.backoff, retry.longest),
        _ => (0, Duration::ZERO, Duration::ZERO),
    };
    ExponentialBuilder::default()
        .with_jitter()
        .with_factor(2.0)
        .with_min_delay(first.min(longest))
        .with_max_delay(longest)
        .with_max_times(usize::try_from(again).unwrap_or(usize::MAX))
}

/// Whether an answer says that the same request may be answered better later.
pub(crate) fn is_passing(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT
    )
}

/// The pause before the next attempt: the one proposed, or the longer one that the server asked for. None when that is
/// longer than the longest, as asking sooner than asked for is no use to anybody.
pub(crate) fn pause(proposed: Duration, asked: Option<Duration>, longest: Duration) -> Option<Duration> {
    match asked {
        Some(asked) if asked > longest => None,
        Some(asked) => Some(proposed.min(longest).max(asked)),
        None => Some(proposed.min(longest)),
    }
}

/// What `Retry-After` says (RFC 9110, 10.2.3): seconds, or a time. None when it says neither.
pub(crate) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // A number that does not fit is a very long time.
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
    }
    let at = httpdate::parse_http_date(value).ok()?;
    Some(at.duration_since(now).unwrap_or(Duration::ZERO))
}
