//! What can go wrong on the line.

use redis::{ErrorKind, RedisError, ServerErrorKind};

use crate::text::shown;

/// Why there is no answer, or not the one asked for. Without credentials, bounded and on one line.
#[derive(Clone, Debug)]
pub(crate) enum Trouble {
    /// Not reachable, or not able to answer now.
    Away(String),
    /// It does not let us do this.
    Refused(String),
    /// An answer that cannot be right.
    Odd(String),
}

impl Trouble {
    pub(super) fn of(error: &RedisError, password: Option<&str>) -> Self {
        let mut why = error.to_string();
        // Servers quote commands that they do not know, `AUTH` among them.
        if let Some(password) = password {
            why = why.replace(password, "***");
        }
        let why = shown(&why);
        if is_refusal(error) {
            Self::Refused(why)
        } else if error.is_cluster_error() {
            Self::Away(format!("{why} (one node of a cluster; name a proxy or a server that has all keys)"))
        } else if is_away(error) {
            Self::Away(why)
        } else {
            Self::Odd(why)
        }
    }
}

fn is_refusal(error: &RedisError) -> bool {
    matches!(
        error.kind(),
        ErrorKind::AuthenticationFailed
            | ErrorKind::InvalidClientConfig
            | ErrorKind::Client
            | ErrorKind::Server(ServerErrorKind::NoPerm)
    ) || matches!(error.code(), Some("NOAUTH" | "WRONGPASS"))
}

/// Whether the server did not answer, or answered that it cannot now.
pub(super) fn is_away(error: &RedisError) -> bool {
    !is_refusal(error) && (error.is_io_error() || never_began(error))
}

/// Whether the server has done nothing of what it was asked, and may do it a moment later.
pub(super) fn never_began(error: &RedisError) -> bool {
    let kind = matches!(
        error.kind(),
        ErrorKind::Server(
            ServerErrorKind::BusyLoading
                | ServerErrorKind::ClusterDown
                | ServerErrorKind::MasterDown
                | ServerErrorKind::ReadOnly
                | ServerErrorKind::TryAgain
        )
    );
    // A full server, one with too few replicas, one that cannot save, and one in the midst of somebody's script.
    let code = matches!(error.code(), Some("OOM" | "NOREPLICAS" | "MISCONF" | "BUSY"));
    kind || code || error.is_connection_refusal()
}

/// Whether the manager would go on with what brought this about, although a new connection might do better: a login
/// that failed, or a server that is no longer the one to write to.
pub(super) fn outlives_the_cause(error: &RedisError) -> bool {
    is_refusal(error)
        || matches!(
            error.kind(),
            ErrorKind::Server(ServerErrorKind::BusyLoading | ServerErrorKind::MasterDown | ServerErrorKind::ReadOnly)
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_not_repeated() {
        let said = "unknown command 'AUTH', with args beginning with: 'hunter2'".to_owned();
        let error = RedisError::from((ErrorKind::Server(ServerErrorKind::ResponseError), "ERR", said));
        let Trouble::Odd(why) = Trouble::of(&error, Some("hunter2")) else { panic!("{error}") };
        assert!(!why.contains("hunter2") && why.contains("AUTH"), "{why}");
    }

    #[test]
    fn a_broken_line_does_not_tell_whether_the_server_began() {
        let broken = RedisError::from(std::io::Error::from(std::io::ErrorKind::BrokenPipe));
        assert!(is_away(&broken) && !never_began(&broken));
        let refused = RedisError::from(std::io::Error::from(std::io::ErrorKind::ConnectionRefused));
        assert!(is_away(&refused) && never_began(&refused));
    }
}
