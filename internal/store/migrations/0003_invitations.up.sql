-- dossier is '' where a row is about the tenant itself.

CREATE TABLE volmacht_invitations (
  id          {text(36)} NOT NULL PRIMARY KEY,
  tenant      {text(36)} NOT NULL,
  person      {text(36)},
  first_name  {text(200)} NOT NULL,
  last_name   {text(200)} NOT NULL,
  canonical   {text(320)} NOT NULL,
  typed       {text(320)} NOT NULL,
  locale      {text(36)} NOT NULL,
  note        {text(1000)} NOT NULL,
  replaces    {text(320)} NOT NULL,
  state       {text(20)} NOT NULL,
  renewal     {text(200)} NOT NULL,
  invited_by  {text(100)} NOT NULL,
  invited_at  {int} NOT NULL,
  expires_at  {int} NOT NULL,
  decided_by  {text(100)} NOT NULL,
  decided_at  {int} NOT NULL,
  CONSTRAINT volmacht_invitations_state CHECK (state IN ('pending', 'accepted', 'declined', 'revoked')),
  FOREIGN KEY (tenant) REFERENCES volmacht_tenants (id),
  FOREIGN KEY (person) REFERENCES volmacht_people (id)
){table};

CREATE INDEX volmacht_invitations_tenant ON volmacht_invitations (tenant, id);
CREATE INDEX volmacht_invitations_canonical ON volmacht_invitations (canonical);
CREATE INDEX volmacht_invitations_person ON volmacht_invitations (person);

CREATE TABLE volmacht_invited_grants (
  invitation {text(36)} NOT NULL,
  dossier    {text(36)} NOT NULL,
  profile    {text(36)} NOT NULL,
  PRIMARY KEY (invitation, dossier, profile),
  FOREIGN KEY (invitation) REFERENCES volmacht_invitations (id)
){table};

CREATE INDEX volmacht_invited_grants_dossier ON volmacht_invited_grants (dossier, invitation);

-- A token is made when its mail is sent and is nowhere but in that mail. An
-- invitation has several while a mail is tried again; each is as good.
CREATE TABLE volmacht_tokens (
  hash       {bytes} NOT NULL PRIMARY KEY,
  invitation {text(36)} NOT NULL,
  made_at    {int} NOT NULL,
  FOREIGN KEY (invitation) REFERENCES volmacht_invitations (id)
){table};

CREATE INDEX volmacht_tokens_invitation ON volmacht_tokens (invitation);
