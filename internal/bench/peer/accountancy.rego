# The accountancy policy. The input is user, office, dossier ("" for the office
# itself) and permission.
#
#   data.users[user]       office, staff, links: {dossier: {assigned or profile: true}}
#   data.offices[office]   admin_only, self_service, dossiers: {dossier: true}
#   data.dossiers[dossier] office, private, worklist, configuration, module: {name: true}
#   data.profiles[profile][permission]
package accountancy

default allow := false

allow if {
	input.dossier == ""
	in_office(input.permission)
}

allow if {
	input.dossier != ""
	on_dossier(input.dossier, input.permission)
}

permissions contains permission if {
	some permission, _ in data.permissions
	on_dossier(input.dossier, permission)
}

dossiers contains dossier if {
	user.staff == "admin"
	some dossier, _ in data.offices[user.office].dossiers
	on_dossier(dossier, input.permission)
}

dossiers contains dossier if {
	user.staff != "admin"
	some dossier, _ in user.links
	on_dossier(dossier, input.permission)
}

user := data.users[input.user]

in_office("self edit") if user.office == input.office

in_office("management enter") if {
	user.office == input.office
	user.staff != "none"
}

in_office("dossier create") if {
	user.office == input.office
	user.staff == "admin"
}

in_office("dossier create") if {
	user.office == input.office
	user.staff == "employee"
	not data.offices[input.office].admin_only
}

in_office("tenant edit") if {
	user.office == input.office
	user.staff == "admin"
}

on_dossier(dossier, permission) if {
	given(dossier, permission)
	not closed(dossier, permission)
}

given(dossier, permission) if {
	user.staff == "none"
	by_profile(dossier, permission)
}

given(dossier, _) if {
	user.staff == "admin"
	data.dossiers[dossier].office == user.office
	not data.dossiers[dossier].private
}

given(dossier, _) if {
	user.staff in {"admin", "employee"}
	user.links[dossier].assigned
}

given(dossier, "dossier see") if {
	user.staff == "support"
	user.links[dossier].assigned
}

given(dossier, "worklist use") if {
	user.staff == "support"
	user.links[dossier].assigned
	data.dossiers[dossier].worklist
}

given(dossier, permission) if {
	user.staff != "none"
	by_profile(dossier, permission)
}

by_profile(dossier, permission) if {
	some profile, _ in user.links[dossier]
	data.profiles[profile][permission]
	switched_on(dossier, permission)
}

switched_on(_, permission) if not permission in {"payment use", "bank_account view", "member invite"}

switched_on(dossier, "payment use") if data.dossiers[dossier].module.payment

switched_on(dossier, "bank_account view") if data.dossiers[dossier].module.financial

switched_on(dossier, "member invite") if data.offices[data.dossiers[dossier].office].self_service

closed(dossier, permission) if {
	permission in data.closes[data.dossiers[dossier].configuration]
	some profile, _ in user.links[dossier]
	data.profiles[profile]
}
