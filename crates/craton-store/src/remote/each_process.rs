//! A client for those who keep one: after a fork the child's requests go over connections of its own.

use super::RemoteStore;
use async_trait::async_trait;
use futures_util::stream::{self, BoxStream, StreamExt};
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use std::fmt;
use std::sync::Arc;

/// Asks the store for its client with every request.
#[derive(Debug, Clone)]
pub(crate) struct EachProcess(pub(crate) Arc<RemoteStore>);

impl EachProcess {
    fn client(&self) -> Result<Arc<dyn ObjectStore>> {
        self.0
            .client()
            .map_err(|cause| object_store::Error::Generic {
                store: "craton",
                source: Box::new(cause),
            })
    }
}

impl fmt::Display for EachProcess {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("object store")
    }
}

#[async_trait]
impl ObjectStore for EachProcess {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        self.client()?.put_opts(location, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.client()?.put_multipart_opts(location, options).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.client()?.get_opts(location, options).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        match self.client() {
            Ok(client) => client.delete_stream(locations),
            Err(cause) => failing(cause),
        }
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        match self.client() {
            Ok(client) => client.list(prefix),
            Err(cause) => failing(cause),
        }
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        match self.client() {
            Ok(client) => client.list_with_offset(prefix, offset),
            Err(cause) => failing(cause),
        }
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.client()?.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.client()?.copy_opts(from, to, options).await
    }
}

fn failing<T: Send + 'static>(cause: object_store::Error) -> BoxStream<'static, Result<T>> {
    stream::once(async move { Err(cause) }).boxed()
}
