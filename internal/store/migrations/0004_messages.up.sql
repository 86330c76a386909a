-- What is to be sent, written with the change that it tells of. The id is the
-- key under which a message is sent, however often it is tried.
CREATE TABLE volmacht_messages (
  id            {text(36)} NOT NULL PRIMARY KEY,
  kind          {text(40)} NOT NULL,
  tenant        {text(36)} NOT NULL,
  dossier       {text(36)} NOT NULL,
  topic         {text(36)} NOT NULL,
  subject       {text(36)} NOT NULL,
  person        {text(36)} NOT NULL,
  name          {text(401)} NOT NULL,
  email         {text(320)} NOT NULL,
  locale        {text(36)} NOT NULL,
  data          {long} NOT NULL,
  state         {text(20)} NOT NULL,
  attempts      {int} NOT NULL,
  next_at       {int} NOT NULL,
  claimed_by    {text(36)} NOT NULL,
  claimed_until {int} NOT NULL,
  failure       {text(1000)} NOT NULL,
  queued_at     {int} NOT NULL,
  done_at       {int} NOT NULL,
  CONSTRAINT volmacht_messages_state CHECK (state IN ('queued', 'sent', 'dropped', 'dead'))
){table};

CREATE INDEX volmacht_messages_next ON volmacht_messages (state, next_at);
CREATE INDEX volmacht_messages_tenant ON volmacht_messages (tenant, state);
CREATE INDEX volmacht_messages_subject ON volmacht_messages (subject);

-- The firm's copy: where a tenant gets a copy of what is sent in its name.
CREATE TABLE volmacht_copies (
  tenant {text(36)} NOT NULL PRIMARY KEY,
  email  {text(320)} NOT NULL,
  set_by {text(100)} NOT NULL,
  FOREIGN KEY (tenant) REFERENCES volmacht_tenants (id)
){table};

CREATE TABLE volmacht_preferences (
  tenant    {text(36)} NOT NULL,
  dossier   {text(36)} NOT NULL,
  person    {text(36)} NOT NULL,
  canonical {text(320)} NOT NULL,
  topic     {text(36)} NOT NULL,
  wanted    {bool} NOT NULL,
  PRIMARY KEY (tenant, dossier, person, canonical, topic),
  FOREIGN KEY (tenant, person) REFERENCES volmacht_members (tenant, person)
){table};
