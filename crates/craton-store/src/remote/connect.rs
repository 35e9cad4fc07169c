//! From a URL and options to a client of the service that holds it.

use super::Service;
use super::credentials::{Tried, aws_profile, environment, has_role, netrc};
use super::options::{StoreOptions, home};
use super::secret::Secrets;
use crate::runtime;
use craton_core::{Error, ErrorKind, Result};
use object_store::aws::{AmazonS3Builder, resolve_bucket_region};
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::http::HttpBuilder;
use object_store::{BackoffConfig, ClientOptions, ObjectStore, RetryConfig};
use reqwest::Url;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use std::sync::Arc;
use std::time::Duration;

/// Seconds without a byte after which a request is given up and tried again.
const PATIENCE: f64 = 30.0;
/// A connection must be made within this.
const CONNECT_PATIENCE: Duration = Duration::from_secs(10);
/// How often a request is tried again.
const RETRIES: usize = 4;
/// No request is tried again later than this after its beginning.
const RETRY_FOR: Duration = Duration::from_secs(60);

/// Makes the client anew; a forked process must not use its parent's.
pub(super) type Connect = Box<dyn Fn() -> Result<Arc<dyn ObjectStore>> + Send + Sync>;

/// What a URL leads to.
pub(super) struct Target {
    pub connect: Connect,
    pub service: Service,
    /// The URL of the store's root for people, without a trailing `/`.
    pub shown: String,
    /// What tells this store from all others: also where it is reached and with which parameters. Never shown.
    pub identity: String,
    /// The folder or object in the store.
    pub root: String,
    pub secrets: Secrets,
    pub tried: Tried,
    /// For listings of a web server: the base they are asked under, headers, and how long to wait.
    pub base: Option<Url>,
    pub headers: HeaderMap,
    pub patience: Duration,
}

/// Reads URL and options; asks the network only for what they do not tell.
pub(super) async fn target(url: &str, options: &StoreOptions) -> Result<Target> {
    // OK to ignore: a second provider is refused, and the first is this one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let mut secrets = Secrets::default();
    options.tell_secrets(&mut secrets);
    match scheme.to_ascii_lowercase().as_str() {
        "s3" | "s3a" | "s3n" => s3(rest, options, secrets).await,
        "gs" | "gcs" => gs(rest, options, secrets),
        "http" | "https" => web(url, options, secrets),
        scheme => azure(scheme, rest, options, secrets),
    }
}

/// `bucket/key` without `/` at the ends.
fn bucket_and_key(rest: &str) -> Result<(String, String)> {
    let rest = rest.split(['?', '#']).next().unwrap_or(rest);
    let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
    if bucket.is_empty() {
        return Err(Error::usage("the URL names no bucket").hint("such as `s3://bucket/path`"));
    }
    Ok((bucket.to_owned(), key.trim_matches('/').to_owned()))
}

/// The headers that options ask for.
fn headers(options: &StoreOptions) -> Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    for (name, value) in options.headers() {
        let parsed = HeaderName::from_bytes(name.as_bytes()).ok();
        let value = HeaderValue::from_str(value).ok();
        let Some((name, mut value)) = parsed.zip(value) else {
            return Err(Error::usage(format!("`header.{name}` is no valid header")));
        };
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    Ok(headers)
}

fn patience(options: &StoreOptions) -> Result<Duration> {
    let seconds = options.number("timeout")?.unwrap_or(PATIENCE);
    Ok(Duration::from_secs_f64(seconds.clamp(0.01, 1e6)))
}

fn client(options: &StoreOptions, headers: HeaderMap, allows_http: bool) -> Result<ClientOptions> {
    let patience = patience(options)?;
    Ok(ClientOptions::new()
        .with_default_headers(headers)
        .with_user_agent(HeaderValue::from_static(concat!(
            "craton/",
            env!("CARGO_PKG_VERSION")
        )))
        .with_allow_http(allows_http)
        // Large objects may take long; what counts is that bytes come.
        .with_timeout_disabled()
        .with_read_timeout(patience)
        .with_connect_timeout(patience.min(CONNECT_PATIENCE)))
}

fn retry(options: &StoreOptions) -> Result<RetryConfig> {
    let retries = options.number("retries")?;
    Ok(RetryConfig {
        backoff: BackoffConfig {
            init_backoff: Duration::from_millis(100),
            max_backoff: Duration::from_secs(5),
            base: 2.0,
        },
        max_retries: retries.map_or(RETRIES, |retries| retries as usize),
        retry_timeout: RETRY_FOR,
    })
}

/// Makes a client once to see that it can be made; later ones are made the same way.
fn checked<S: ObjectStore>(
    build: impl Fn() -> object_store::Result<S> + Send + Sync + 'static,
    secrets: &Secrets,
    shown: &str,
) -> Result<Connect> {
    let (secrets, shown) = (secrets.clone(), shown.to_owned());
    let connect = move || -> Result<Arc<dyn ObjectStore>> {
        let built = build().map_err(|cause| {
            let message = format!(
                "cannot reach `{shown}`: {}",
                secrets.hide(&cause.to_string())
            );
            Error::new(ErrorKind::Usage, message)
        })?;
        Ok(Arc::new(built))
    };
    connect()?;
    Ok(Box::new(connect))
}

// S3 -------------------------------------------------------------------------------------------------------

async fn s3(rest: &str, options: &StoreOptions, mut secrets: Secrets) -> Result<Target> {
    let (bucket, root) = bucket_and_key(rest)?;
    let named = options
        .get("profile")
        .map(str::to_owned)
        .or_else(|| Some(environment(&["AWS_PROFILE"])?.1));
    let profile = aws_profile(named.as_deref().unwrap_or("default"));
    if let (Some(name), None) = (options.get("profile"), &profile) {
        return Err(Error::usage(format!(
            "no profile `{name}` in the AWS files"
        )));
    }
    let profile = profile.unwrap_or_default();
    let endpoint = options
        .get("endpoint")
        .map(str::to_owned)
        .or_else(|| Some(environment(&["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"])?.1))
        .or_else(|| profile.get("endpoint_url").cloned());
    let client = client(options, headers(options)?, endpoint.is_some())?;
    let retry = retry(options)?;
    let mut tried = Tried::default();
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(&bucket)
        .with_client_options(client.clone())
        .with_retry(retry)
        .with_request_payer(options.flag("requester_pays")?.unwrap_or(false))
        .with_virtual_hosted_style_request(options.flag("virtual_hosted")?.unwrap_or(false));
    if let Some(endpoint) = &endpoint {
        builder = builder.with_endpoint(endpoint);
    }
    builder = s3_credentials(builder, options, &profile, &mut secrets, &mut tried)?;
    let region = options
        .get("region")
        .map(str::to_owned)
        .or_else(|| Some(environment(&["AWS_REGION", "AWS_DEFAULT_REGION"])?.1))
        .or_else(|| profile.get("region").cloned());
    let region = match (region, &endpoint) {
        (Some(region), _) => region,
        (None, Some(_)) => "us-east-1".to_owned(),
        (None, None) => {
            let (bucket, client) = (bucket.clone(), client.clone());
            let asked = runtime::run(async move {
                let region = resolve_bucket_region(&bucket, &client).await;
                Ok(region.unwrap_or_else(|_| "us-east-1".to_owned()))
            });
            asked.await?
        }
    };
    builder = builder.with_region(region);
    let shown = format!("s3://{bucket}");
    Ok(Target {
        identity: format!("{} {shown}", endpoint.unwrap_or_default()),
        connect: checked(move || builder.clone().build(), &secrets, &shown)?,
        service: Service::S3,
        shown,
        root,
        secrets,
        tried,
        base: None,
        headers: HeaderMap::new(),
        patience: patience(options)?,
    })
}

fn s3_credentials(
    builder: AmazonS3Builder,
    options: &StoreOptions,
    profile: &std::collections::BTreeMap<String, String>,
    secrets: &mut Secrets,
    tried: &mut Tried,
) -> Result<AmazonS3Builder> {
    let with = |key: &str, secret: &str, token: Option<&str>, secrets: &mut Secrets| {
        secrets.add(key);
        secrets.add(secret);
        let builder = builder
            .clone()
            .with_access_key_id(key)
            .with_secret_access_key(secret);
        match token {
            Some(token) => {
                secrets.add(token);
                builder.with_token(token)
            }
            None => builder,
        }
    };
    if options.flag("anon")? == Some(true) {
        tried.note("unsigned, as asked for by `anon`");
        return Ok(builder.with_skip_signature(true));
    }
    if let Some(key) = options.get("key") {
        let Some(secret) = options.get("secret") else {
            return Err(Error::usage("the option `key` needs `secret` beside it"));
        };
        tried.note("the key that was given");
        return Ok(with(
            key,
            secret,
            options.get("session_token").or(options.get("token")),
            secrets,
        ));
    }
    // A profile that is asked for by name goes before keys that happen to be in the environment.
    if options.get("profile").is_none() {
        match (
            environment(&["AWS_ACCESS_KEY_ID"]),
            environment(&["AWS_SECRET_ACCESS_KEY"]),
        ) {
            (Some((_, key)), Some((_, secret))) => {
                tried.note("the key in `AWS_ACCESS_KEY_ID`");
                let token = environment(&["AWS_SESSION_TOKEN"]).map(|(_, token)| token);
                return Ok(with(&key, &secret, token.as_deref(), secrets));
            }
            _ => tried.note("no `AWS_ACCESS_KEY_ID` in the environment"),
        }
    }
    if let (Some(key), Some(secret)) = (
        profile.get("aws_access_key_id"),
        profile.get("aws_secret_access_key"),
    ) {
        tried.note("the key of the profile");
        let token = profile.get("aws_session_token").map(String::as_str);
        return Ok(with(key, secret, token, secrets));
    }
    tried.note("no key in the AWS files");
    let of_container = [
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
        "AWS_ROLE_ARN",
        "AWS_ROLE_SESSION_NAME",
    ];
    if environment(&of_container[..3]).is_some() {
        tried.note("the role of the container");
        let set = of_container.iter().filter_map(|name| environment(&[name]));
        return Ok(set.fold(builder.clone(), |builder, (name, value)| {
            match name.to_ascii_lowercase().parse() {
                Ok(key) => builder.with_config(key, value),
                Err(_) => builder,
            }
        }));
    }
    let is_off =
        environment(&["AWS_EC2_METADATA_DISABLED"]).is_some_and(|(_, value)| value == "true");
    if !is_off && has_role("169.254.169.254:80") {
        tried.note("the role of the machine");
        return Ok(builder);
    }
    tried.note("the machine has no role; unsigned");
    Ok(builder.with_skip_signature(true))
}

// Google Cloud Storage -------------------------------------------------------------------------------------

fn gs(rest: &str, options: &StoreOptions, secrets: Secrets) -> Result<Target> {
    let (bucket, root) = bucket_and_key(rest)?;
    let endpoint = options.get("endpoint");
    let client = client(options, headers(options)?, endpoint.is_some())?;
    let retry = retry(options)?;
    let mut tried = Tried::default();
    let mut builder = GoogleCloudStorageBuilder::new()
        .with_bucket_name(&bucket)
        .with_client_options(client.clone())
        .with_retry(retry);
    if let Some(endpoint) = endpoint {
        builder = builder.with_base_url(endpoint);
    }
    let variables = [
        "GOOGLE_APPLICATION_CREDENTIALS",
        "GOOGLE_SERVICE_ACCOUNT",
        "GOOGLE_SERVICE_ACCOUNT_PATH",
    ];
    let of_user =
        home().map(|home| home.join(".config/gcloud/application_default_credentials.json"));
    builder = if options.flag("anon")? == Some(true) {
        tried.note("unsigned, as asked for by `anon`");
        builder.with_skip_signature(true)
    } else if let Some(token) = options.get("token") {
        tried.note("the token that was given");
        builder.with_bearer_token(token)
    } else if let Some(path) = options.get("service_account") {
        tried.note("the service account that was given");
        builder.with_application_credentials(path)
    } else if let Some((name, path)) = environment(&variables) {
        tried.note(format!("the file in `{name}`"));
        builder.with_application_credentials(path)
    } else if let Some(path) = of_user.filter(|path| path.exists()) {
        tried.note("the user's default credentials");
        builder.with_application_credentials(path.to_string_lossy())
    } else if has_role("metadata.google.internal:80") {
        tried.note("the role of the machine");
        builder
    } else {
        tried
            .note("no `GOOGLE_APPLICATION_CREDENTIALS`, no default credentials, no role; unsigned");
        builder.with_skip_signature(true)
    };
    let shown = format!("gs://{bucket}");
    Ok(Target {
        identity: format!("{} {shown}", endpoint.unwrap_or_default()),
        connect: checked(move || builder.clone().build(), &secrets, &shown)?,
        service: Service::Gs,
        shown,
        root,
        secrets,
        tried,
        base: None,
        headers: HeaderMap::new(),
        patience: patience(options)?,
    })
}

// Azure ----------------------------------------------------------------------------------------------------

/// `container/path`, or `container@account.host/path`.
fn azure(scheme: &str, rest: &str, options: &StoreOptions, mut secrets: Secrets) -> Result<Target> {
    let (place, root) = bucket_and_key(rest)?;
    let (container, host) = match place.split_once('@') {
        Some((container, host)) => (container.to_owned(), Some(host.to_owned())),
        None => (place.clone(), None),
    };
    let of_host = host.as_deref().and_then(|host| host.split('.').next());
    let account = of_host
        .map(str::to_owned)
        .or_else(|| options.get("account").map(str::to_owned))
        .or_else(|| Some(environment(&["AZURE_STORAGE_ACCOUNT_NAME", "AZURE_STORAGE_ACCOUNT"])?.1));
    let account = account.ok_or_else(|| {
        Error::usage(format!("`{scheme}://{place}` does not say which account it is of"))
            .hint("give it with `--store account=NAME`, or write `abfs://container@NAME.dfs.core.windows.net/path`")
    })?;
    let endpoint = options.get("endpoint");
    let client = client(options, headers(options)?, endpoint.is_some())?;
    let retry = retry(options)?;
    let mut tried = Tried::default();
    let mut builder = MicrosoftAzureBuilder::new()
        .with_account(&account)
        .with_container_name(&container)
        .with_client_options(client.clone())
        .with_retry(retry);
    if let Some(endpoint) = endpoint {
        builder = builder.with_endpoint(endpoint.to_owned());
    }
    let given = [
        ("account_key", AzureConfigKey::AccessKey),
        ("sas_token", AzureConfigKey::SasKey),
        ("token", AzureConfigKey::Token),
        ("client_id", AzureConfigKey::ClientId),
        ("client_secret", AzureConfigKey::ClientSecret),
        ("tenant_id", AzureConfigKey::AuthorityId),
    ];
    let of_environment = [
        (
            &["AZURE_STORAGE_ACCOUNT_KEY", "AZURE_STORAGE_KEY"][..],
            AzureConfigKey::AccessKey,
        ),
        (&["AZURE_STORAGE_SAS_TOKEN"][..], AzureConfigKey::SasKey),
        (&["AZURE_CLIENT_ID"][..], AzureConfigKey::ClientId),
        (&["AZURE_CLIENT_SECRET"][..], AzureConfigKey::ClientSecret),
        (&["AZURE_TENANT_ID"][..], AzureConfigKey::AuthorityId),
        (
            &["AZURE_FEDERATED_TOKEN_FILE"][..],
            AzureConfigKey::FederatedTokenFile,
        ),
    ];
    let found = of_environment
        .into_iter()
        .filter_map(|(names, key)| Some((environment(names)?, key)));
    let found: Vec<_> = found.collect();
    if options.flag("anon")? == Some(true) {
        tried.note("unsigned, as asked for by `anon`");
        builder = builder.with_skip_signature(true);
    } else if given.iter().any(|(name, _)| options.get(name).is_some()) {
        tried.note("the credentials that were given");
        for (name, key) in given {
            if let Some(value) = options.get(name) {
                builder = builder.with_config(key, value);
            }
        }
    } else if !found.is_empty() {
        let names: Vec<&str> = found.iter().map(|((name, _), _)| name.as_str()).collect();
        tried.note(format!("`{}` of the environment", names.join("`, `")));
        for ((_, value), key) in found {
            secrets.add(&value);
            builder = builder.with_config(key, value);
        }
    } else if has_role("169.254.169.254:80") {
        tried.note("the role of the machine");
    } else {
        tried
            .note("no `AZURE_STORAGE_*` or `AZURE_CLIENT_*` in the environment, no role; unsigned");
        builder = builder.with_skip_signature(true);
    }
    let shown = format!("{scheme}://{place}");
    Ok(Target {
        identity: format!("{} {account} {container}", endpoint.unwrap_or_default()),
        connect: checked(move || builder.clone().build(), &secrets, &shown)?,
        service: Service::Azure,
        shown,
        root,
        secrets,
        tried,
        base: None,
        headers: HeaderMap::new(),
        patience: patience(options)?,
    })
}

// Web servers ----------------------------------------------------------------------------------------------

fn web(url: &str, options: &StoreOptions, mut secrets: Secrets) -> Result<Target> {
    let wrong = || Error::usage(format!("`{}` is no URL", super::public_url(url)));
    let mut base = Url::parse(url).map_err(|_| wrong())?;
    let host = base.host_str().ok_or_else(wrong)?.to_owned();
    let mut tried = Tried::default();
    let in_url = (!base.username().is_empty() || base.password().is_some()).then(|| {
        let part = |text: &str| super::percent_decode(text);
        (
            part(base.username()),
            part(base.password().unwrap_or_default()),
        )
    });
    for (name, value) in base.query_pairs() {
        if super::public_url(&format!("http://h/?{name}={value}")).ends_with("***") {
            secrets.add(&value);
        }
    }
    // OK to ignore: refused only for URLs without a host, which were refused above.
    let _ = base.set_username("");
    let _ = base.set_password(None);
    let login = if options.flag("anon")? == Some(true) {
        tried.note("no user, as asked for by `anon`");
        None
    } else if let Some(user) = options.get("user") {
        tried.note("the user that was given");
        Some((
            user.to_owned(),
            options.get("password").unwrap_or_default().to_owned(),
        ))
    } else if in_url.is_some() {
        tried.note("the user in the URL");
        in_url
    } else if options.get("token").is_some() {
        tried.note("the token that was given");
        None
    } else {
        let found = netrc(&host, &mut secrets);
        tried.note(match &found {
            Some(_) => format!("the netrc entry for `{host}`"),
            None => format!("no netrc entry for `{host}`; no user"),
        });
        found
    };
    let mut headers = headers(options)?;
    let authorization = match (&login, options.get("token")) {
        (Some((user, password)), _) => {
            secrets.add(password);
            let encoded = super::base64_of(&format!("{user}:{password}"));
            secrets.add(&encoded);
            Some(format!("Basic {encoded}"))
        }
        (None, Some(token)) => Some(format!("Bearer {token}")),
        (None, None) => None,
    };
    if let Some(authorization) = authorization {
        let mut value = HeaderValue::from_str(&authorization)
            .map_err(|_| Error::usage("the token is no valid header"))?;
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
    }
    let client = client(options, headers.clone(), true)?;
    let retry = retry(options)?;
    let root = super::percent_decode(base.path().trim_matches('/'));
    base.set_path("/");
    base.set_fragment(None);
    let shown = super::public_url(base.as_str());
    let shown = shown
        .split('?')
        .next()
        .unwrap_or(&shown)
        .trim_end_matches('/')
        .to_owned();
    let builder = HttpBuilder::new()
        .with_url(base.as_str())
        .with_client_options(client.clone())
        .with_retry(retry);
    let build = move || builder.clone().build();
    Ok(Target {
        identity: base.to_string(),
        connect: checked(build, &secrets, &shown)?,
        service: Service::Web,
        shown,
        root,
        secrets,
        tried,
        base: Some(base),
        headers,
        patience: patience(options)?,
    })
}
