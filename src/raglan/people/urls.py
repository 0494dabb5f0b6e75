"""Addresses of people."""

from django.urls import URLPattern, path
from django.views.generic import RedirectView

from raglan.people.views import entrance, people, you

app_name = "people"
urlpatterns: list[URLPattern] = [
    path("setup/first/<str:token>/", entrance.first_administrator, name="first"),
    path("invitation/<str:token>/", entrance.accept, name="accept"),
    path("demo/sign-in/", entrance.demo_sign_in, name="demo_sign_in"),
    path("people/", people.everybody, name="people"),
    path("people/invite/", people.invite, name="invite"),
    path("people/<int:person_id>/", people.person, name="person"),
    path("people/<int:person_id>/invitation/", people.fresh_invitation, name="fresh_invitation"),
    path("people/<int:person_id>/role/", people.set_role, name="set_role"),
    path("people/<int:person_id>/deactivate/", people.deactivate, name="deactivate"),
    path("teams/new/", people.new_team, name="new_team"),
    path("teams/<slug:slug>/", people.team, name="team"),
    path("teams/<slug:slug>/members/", people.add_member, name="add_member"),
    path("teams/<slug:slug>/members/<int:person_id>/", people.change_member, name="change_member"),
    path("you/", you.profile, name="you"),
    path("you/contacts/", you.add_contact, name="add_contact"),
    path("you/contacts/<int:contact_id>/test/", you.test_contact, name="test_contact"),
    path("you/contacts/<int:contact_id>/remove/", you.remove_contact, name="remove_contact"),
    path("you/tokens/", you.tokens, name="tokens"),
    path("you/tokens/<int:token_id>/revoke/", you.revoke_token, name="revoke_token"),
    path("you/browsers/", you.sign_ins, name="sign_ins"),
    path("you/browsers/<int:sign_in_id>/end/", you.end_sign_in, name="end_sign_in"),
    path("you/browsers/end-others/", you.end_other_sign_ins, name="end_other_sign_ins"),
    # Addresses are kept as ways to be reached; the library's own list of them would be a second truth.
    path("account/email/", RedirectView.as_view(url="/you/#reach")),
    path("account/", RedirectView.as_view(url="/you/")),
]
