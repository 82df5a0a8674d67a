//! The description of the calls (OpenAPI 3.1), from the annotations of handlers.

use utoipa::OpenApi as _;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{Components, InfoBuilder, OpenApi};

use super::members::Member;

/// Returns the description of the calls of some services.
pub fn of(members: impl IntoIterator<Item = Member>) -> OpenApi {
    let mut whole = OpenApi::default();
    for member in members {
        whole.merge(match member {
            Member::Accounts => kinora_accounts::http::Description::openapi(),
            Member::Catalogue => kinora_catalogue::http::Description::openapi(),
            Member::Playback => kinora_playback::http::Description::openapi(),
            // Only other services ask it.
            Member::Recommendations => OpenApi::default(),
        });
    }
    // An open call has an empty list of requirements; the annotation can only say one empty requirement.
    for item in whole.paths.paths.values_mut() {
        for call in [&mut item.get, &mut item.put, &mut item.post, &mut item.delete].into_iter().flatten() {
            if call.security.as_deref() == Some(&[SecurityRequirement::default()]) {
                call.security = Some(Vec::new());
            }
        }
    }
    whole.info = InfoBuilder::new().title("Kinora").version("1").build();
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
    whole.components.get_or_insert_with(Components::new).add_security_scheme("bearer", SecurityScheme::Http(bearer));
    whole
}
