-- An address at which a tenant reaches a person about a dossier, or, where
-- dossier is '', about the tenant itself, with its three switches. It is what the
-- tenant says: the person need not have shown, or even claimed, that it is theirs.
-- accepted is when the person accepted an invitation to it.
CREATE TABLE volmacht_contacts (
  tenant    {text(36)} NOT NULL,
  dossier   {text(36)} NOT NULL,
  person    {text(36)} NOT NULL,
  canonical {text(320)} NOT NULL,
  typed     {text(320)} NOT NULL,
  label     {text(50)} NOT NULL,
  login     {bool} NOT NULL,
  notify    {bool} NOT NULL,
  sync      {bool} NOT NULL,
  accepted  {int} NOT NULL,
  since     {int} NOT NULL,
  PRIMARY KEY (tenant, dossier, person, canonical),
  FOREIGN KEY (tenant, person) REFERENCES volmacht_members (tenant, person)
){table};

-- open_key is NULL once a request is decided: one open request for an address
-- on a dossier. mailed says whether there was an address to send it to.
CREATE TABLE volmacht_account_requests (
  tenant     {text(36)} NOT NULL,
  id         {text(36)} NOT NULL,
  dossier    {text(36)} NOT NULL,
  first_name {text(200)} NOT NULL,
  last_name  {text(200)} NOT NULL,
  canonical  {text(320)} NOT NULL,
  typed      {text(320)} NOT NULL,
  locale     {text(36)} NOT NULL,
  profile    {text(36)} NOT NULL,
  note       {text(1000)} NOT NULL,
  state      {text(20)} NOT NULL,
  asked_by   {text(100)} NOT NULL,
  asked_at   {int} NOT NULL,
  expires_at {int} NOT NULL,
  mailed     {bool} NOT NULL,
  decided_by {text(100)} NOT NULL,
  decided_at {int} NOT NULL,
  reason     {text(1000)} NOT NULL,
  invitation {text(36)},
  open_key   {text(320)} GENERATED ALWAYS AS (CASE WHEN state = 'open' THEN canonical END) STORED,
  PRIMARY KEY (tenant, id),
  CONSTRAINT volmacht_account_requests_state CHECK (state IN ('open', 'approved', 'declined', 'expired')),
  CONSTRAINT volmacht_account_requests_open UNIQUE (tenant, dossier, open_key),
  FOREIGN KEY (tenant, dossier) REFERENCES volmacht_dossiers (tenant, id)
){table};
