//! Failures as answers: what a client is told of a statement or a write that failed.

use kinora_api::ErrorCode;
use kinora_kit::http::problem::Problem;

use super::dialect;

/// Reason why a job is undone.
#[derive(Debug)]
pub enum WriteError {
    /// The job refused the request; the client gets this answer.
    Refused(Problem),
    /// A statement failed.
    Storage(sqlx::Error),
}

impl From<Problem> for WriteError {
    fn from(problem: Problem) -> Self {
        Self::Refused(problem)
    }
}

impl From<sqlx::Error> for WriteError {
    fn from(error: sqlx::Error) -> Self {
        Self::Storage(error)
    }
}

impl From<WriteError> for Problem {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Refused(problem) => problem,
            WriteError::Storage(error) if dialect::is_bad_row(&error) => problem(error),
            WriteError::Storage(error) => {
                tracing::error!(%error, "a write failed");
                not_written()
            }
        }
    }
}

/// Returns the error body for a statement that failed: `ServiceUnavailable` if the database does not answer or no connection to it was free, `InvalidRequest` for a text
/// that the database cannot hold, else `ServiceInternal`.
pub fn problem(error: sqlx::Error) -> Problem {
    match error {
        error if dialect::is_unstorable(&error) => {
            Problem::new(ErrorCode::InvalidRequest, "a text has a character that cannot be stored")
        }
        error if dialect::is_away(&error) => {
            tracing::warn!(%error, "the database does not answer");
            Problem::new(ErrorCode::ServiceUnavailable, "the service is busy").with_retry_after_ms(1000)
        }
        error => Problem::internal(&error),
    }
}

/// 7018: the write is not durable and may be repeated.
pub(crate) fn not_written() -> Problem {
    Problem::new(ErrorCode::ServiceUnavailable, "the service cannot write at the moment").with_retry_after_ms(1000)
}
