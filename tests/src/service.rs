//! A small client of the backend: signs in and asks for permission to play one title.

use std::time::Duration;

use kinora_api::{
    ApiError, DeviceId, DeviceInfo, Home, PlaybackGrant, PlaybackRequest, Protocol, Secret, SignInRequest,
    SignInResponse, TitleId, TitleKind, paths,
};
use player_core::error::{ErrorCode, PlayerError};
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::Url;

use crate::cli::PlayOptions;

/// Time allowed for one call.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);

/// Signs in and gives the ordered addresses of a title.
///
/// # Errors
/// Service and network errors, as the player would report them.
pub fn grant(backend: &Url, options: &PlayOptions) -> Result<Vec<Url>, PlayerError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| PlayerError::fatal(ErrorCode::Internal, error.to_string()))?;
    runtime.block_on(authorise(backend, options))
}

async fn authorise(backend: &Url, options: &PlayOptions) -> Result<Vec<Url>, PlayerError> {
    let mut service = Service::new(backend)?;
    let email = options.email.clone().unwrap_or_default();
    let password = std::env::var("KINORA_PASSWORD").unwrap_or_default();
    service.sign_in(email, password).await?;
    let title = match &options.title {
        Some(title) => TitleId::new(title.clone()),
        None => service.first_title().await?,
    };
    let protocol = match options.protocol.as_str() {
        "hls" => Protocol::Hls,
        "dash" => Protocol::Dash,
        other => {
            return Err(PlayerError::fatal(ErrorCode::InvalidArgument, format!("{other:?} is neither hls nor dash")));
        }
    };
    let request = PlaybackRequest {
        title_id: title,
        profile_id: None,
        protocols: vec![protocol],
        ahead: false,
        capabilities: None,
        stop: None,
    };
    let grant: PlaybackGrant = service.post(paths::PLAYBACK, &request).await?;
    let source = grant.sources.into_iter().find(|source| source.protocol == protocol);
    let urls = source.map(|source| source.urls).unwrap_or_default();
    let parsed: Result<Vec<Url>, _> = urls.iter().map(|url| url.parse()).collect();
    match parsed {
        Ok(urls) if !urls.is_empty() => Ok(urls),
        _ => Err(unavailable("the permission to play names no usable address")),
    }
}

fn unavailable(message: &str) -> PlayerError {
    PlayerError::fatal(ErrorCode::ServiceUnavailable, message)
}

struct Service {
    base: Url,
    client: reqwest::Client,
    token: Option<Secret>,
}

impl Service {
    fn new(base: &Url) -> Result<Self, PlayerError> {
        let client = reqwest::Client::builder().timeout(CALL_TIMEOUT).build();
        let client = client.map_err(|error| PlayerError::fatal(ErrorCode::Internal, error.to_string()))?;
        Ok(Self { base: base.clone(), client, token: None })
    }

    async fn sign_in(&mut self, email: String, password: String) -> Result<(), PlayerError> {
        let device = DeviceInfo {
            // One for each process: a sign-in revokes those that the same device had before.
            id: DeviceId::new(format!("kinora-qa-{}", std::process::id())),
            name: "Kinora QA".to_owned(),
            platform: std::env::consts::OS.to_owned(),
            app_version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        let request = SignInRequest { email, password: Secret::new(password), device, code: None };
        let response: SignInResponse = self.post(paths::SIGN_IN, &request).await?;
        self.token = Some(response.tokens.access_token);
        Ok(())
    }

    /// Returns the first title of the home screen that can be played from its beginning: a series cannot, its episodes can, and a
    /// live channel has none.
    async fn first_title(&self) -> Result<TitleId, PlayerError> {
        let home: Home = self.call(self.client.get(self.url(&paths::home(None))?)).await?;
        let cards = home.rows.iter().flat_map(|row| &row.titles);
        let first =
            home.hero.iter().chain(cards).find(|card| !matches!(card.kind, TitleKind::Series | TitleKind::Live));
        first.map(|card| card.id.clone()).ok_or_else(|| unavailable("the catalogue has nothing to play"))
    }

    fn url(&self, path: &str) -> Result<Url, PlayerError> {
        self.base.join(path).map_err(|error| PlayerError::fatal(ErrorCode::BadAddress, error.to_string()))
    }

    async fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, PlayerError> {
        self.call(self.client.post(self.url(path)?).json(body)).await
    }

    async fn call<T: DeserializeOwned>(&self, mut builder: reqwest::RequestBuilder) -> Result<T, PlayerError> {
        if let Some(token) = &self.token {
            builder = builder.bearer_auth(token.expose());
        }
        let response = builder.send().await.map_err(|error| {
            let error = error.without_url();
            PlayerError::fatal(ErrorCode::NetworkUnreachable, format!("the backend at {}: {error}", self.base))
        })?;
        let status = response.status();
        let body = response.bytes().await.map_err(|error| unavailable(&error.without_url().to_string()))?;
        if status.is_success() {
            return serde_json::from_slice(&body).map_err(|error| unavailable(&format!("unreadable answer: {error}")));
        }
        let message = serde_json::from_slice::<ApiError>(&body);
        Err(refused(status.as_u16(), message.ok()))
    }
}

/// The player's error for a refusal of the service: the numbers are the same on both sides.
fn refused(status: u16, error: Option<ApiError>) -> PlayerError {
    let number = error.as_ref().map_or(0, |error| error.code);
    let known = ErrorCode::ALL.iter().copied().find(|code| code.number() == number);
    let message = error.map_or_else(|| format!("the service answered {status}"), |error| error.message);
    PlayerError::fatal(known.unwrap_or(ErrorCode::ServiceUnavailable), message).with_status(status)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn service_codes_mean_the_same_on_both_sides() {
        let service = ErrorCode::ALL.iter().filter(|code| (7000..8000).contains(&code.number()));
        for code in service {
            let number = kinora_api::ErrorCode::from_number(code.number()).expect("a number that the service uses");
            assert_eq!(format!("{number:?}"), code.name());
        }
    }
}
