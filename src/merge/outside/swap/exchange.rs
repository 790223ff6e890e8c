//! What the new table gets of the old one, as statements that the catalogue's own functions spell.
//!
//! Each query has the old table as `$1`, the new one as `$2`, and answers with statements in the order in which they are
//! to be run.

use crate::database::{DatabaseError, Session};
use crate::merge::dialect::{self, Swap};
use crate::merge::outside::ask::complaints;
use crate::merge::outside::target::OutsideTarget;

/// Gives the new table what it needs before it has rows.
pub(super) async fn take_along(
    session: &Session,
    swap: &Swap,
    target: &OutsideTarget,
    new: &str,
) -> Result<(), DatabaseError> {
    run_each(session, target, new, swap.before_rows).await
}

/// Gives the new table all else, and the old one's name.
pub(super) async fn exchange(
    session: &Session,
    swap: &Swap,
    target: &OutsideTarget,
    new: &str,
) -> Result<(), DatabaseError> {
    run_each(session, target, new, swap.behind_rows).await?;
    let mut names = Vec::new();
    for query in swap.names {
        names.extend(spelled(session, target, new, query).await?);
    }
    // What depends on it in a way that is not known here refuses this.
    session.run(&format!("DROP TABLE {}", target.qualified)).await?;
    for statement in names {
        session.run(&statement).await?;
    }
    session
        .run(&format!("ALTER TABLE {new} RENAME TO {}", dialect::of(session).identifier(&target.table)))
        .await
}

async fn run_each(
    session: &Session,
    target: &OutsideTarget,
    new: &str,
    queries: &[&str],
) -> Result<(), DatabaseError> {
    for query in queries {
        // One after the other: what the owner may be given depends on the owner.
        for statement in spelled(session, target, new, query).await? {
            session.run(&statement).await?;
        }
    }
    Ok(())
}

async fn spelled(
    session: &Session,
    target: &OutsideTarget,
    new: &str,
    query: &str,
) -> Result<Vec<String>, DatabaseError> {
    let dialect = dialect::of(session);
    let query = query.replace("$1", &dialect.id(&target.qualified)).replace("$2", &dialect.id(new));
    complaints(session, &query).await
}
