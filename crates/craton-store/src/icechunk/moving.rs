//! Arrays and groups under other names: no chunk is touched.

use super::IcechunkRepository;
use super::write::Committing;
use craton_core::{Error, ErrorKind, Result};
use icechunk::format::Path;
use icechunk::format::format_constants::SpecVersionBin;
use icechunk::session::SessionErrorKind;

impl IcechunkRepository {
    /// Gives the array or group at `from` the path `to` in the newest state of a branch, as one commit; gives the id of its
    /// snapshot.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if there is no such branch, nothing at `from`, or no group to hold `to`;
    /// [`ErrorKind::Conflict`] if something is at `to`, or somebody else has committed meanwhile;
    /// [`ErrorKind::Unsupported`] for version 1 of the format, which has no form for it.
    pub async fn relocate(
        &self,
        branch: &str,
        from: &str,
        to: &str,
        how: Committing,
    ) -> Result<String> {
        self.branch_tip(branch).await?;
        let branch = branch.to_owned();
        if self.repository.spec_version() < SpecVersionBin::V2 {
            let message = "nothing can be moved in a repository of version 1 of the format";
            return Err(Error::unsupported(message)
                .at(&self.url)
                .hint("`craton copy` makes a new one of it"));
        }
        let (source, target) = (self.node(from)?, self.node(to)?);
        let _lock = self.place.lock().map_err(|error| error.at(&self.url))?;
        let repository = self.inner();
        let moved = crate::runtime::run(async move {
            let mut session = match repository.rearrange_session(&branch).await {
                Ok(session) => session,
                Err(cause) => return Ok(Err(SessionErrorKind::RepositoryError(cause.kind))),
            };
            if let Err(cause) = session.move_node(source, target).await {
                return Ok(Err(cause.kind));
            }
            let mut commit = session.commit(how.message).properties(how.properties);
            if how.is_amended {
                commit = commit.amend();
            }
            Ok(commit.execute().await.map_err(|cause| cause.kind))
        });
        let id = moved
            .await?
            .map_err(|cause| self.not_moved(from, to, &cause))?;
        Ok(id.to_string())
    }

    fn node(&self, path: &str) -> Result<Path> {
        let path = path.trim_matches('/');
        if path.is_empty() {
            return Err(Error::usage("the root stays where it is").at(&self.url));
        }
        Path::new(&format!("/{path}")).map_err(|cause| {
            let message = format!("`/{path}` cannot be the path of an array or a group");
            Error::invalid(message).at(&self.url).caused_by(cause)
        })
    }

    fn not_moved(&self, from: &str, to: &str, cause: &SessionErrorKind) -> Error {
        use SessionErrorKind as Cause;
        let (from, to) = (from.trim_matches('/'), to.trim_matches('/'));
        let error = match cause {
            Cause::NodeNotFound { .. } => {
                Error::not_found(format!("there is no array or group `/{from}`"))
            }
            Cause::MoveWontOverwrite(_) => {
                Error::new(ErrorKind::Conflict, format!("`/{to}` is there already"))
                    .hint("choose another name, or move that away first")
            }
            Cause::MoveIntoSelfOrDescendant { .. } => {
                Error::usage(format!("`/{from}` cannot go to `/{to}`, which lies in it"))
            }
            Cause::MoveDestinationParentNotGroup { parent, .. } => {
                Error::invalid(format!("`{parent}` is an array, and holds nothing"))
            }
            Cause::MoveDestinationParentMissing { missing_parent, .. } => {
                Error::not_found(format!("there is no group `{missing_parent}`"))
            }
            Cause::Conflict { .. } => {
                let message = "somebody else has committed to the branch meanwhile";
                Error::new(ErrorKind::Conflict, message).hint("the branch is as it was; try again")
            }
            cause => {
                let error = Error::new(ErrorKind::Io, format!("cannot move `/{from}`"));
                let error = error.hint("the branch is as it was");
                return self.place.explained(error, cause).at(&self.url);
            }
        };
        error.at(&self.url)
    }
}
