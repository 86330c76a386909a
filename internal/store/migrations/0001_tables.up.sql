-- One text for every database; schema.go replaces the words in braces.
-- Times are microseconds since 1970 UTC, 0 for none.

CREATE TABLE volmacht_streams (
  name     {text(80)} NOT NULL PRIMARY KEY,
  revision {int} NOT NULL,
  hash     {bytes} NOT NULL
){table};

CREATE TABLE volmacht_tenants (
  id         {text(36)} NOT NULL PRIMARY KEY,
  name       {text(200)} NOT NULL,
  email      {text(320)} NOT NULL,
  closed_at  {int} NOT NULL,
  created_at {int} NOT NULL
){table};

-- keeper is the tenant that keeps this record of a contact who has no account
-- yet, and NULL for everybody else.
CREATE TABLE volmacht_people (
  id         {text(36)} NOT NULL PRIMARY KEY,
  first_name {text(200)} NOT NULL,
  last_name  {text(200)} NOT NULL,
  locale     {text(36)} NOT NULL,
  salutation {text(50)} NOT NULL,
  phone      {text(20)} NOT NULL,
  keeper     {text(36)},
  created_at {int} NOT NULL,
  FOREIGN KEY (keeper) REFERENCES volmacht_tenants (id)
){table};

-- An address can be claimed by many and verified by one: verified_key is NULL
-- until then, and NULLs do not collide.
CREATE TABLE volmacht_addresses (
  person       {text(36)} NOT NULL,
  canonical    {text(320)} NOT NULL,
  typed        {text(320)} NOT NULL,
  label        {text(50)} NOT NULL,
  verified_at  {int} NOT NULL,
  added_at     {int} NOT NULL,
  verified_key {text(320)} GENERATED ALWAYS AS (CASE WHEN verified_at <> 0 THEN canonical END) STORED,
  PRIMARY KEY (person, canonical),
  CONSTRAINT volmacht_addresses_verified UNIQUE (verified_key),
  FOREIGN KEY (person) REFERENCES volmacht_people (id)
){table};

CREATE INDEX volmacht_addresses_canonical ON volmacht_addresses (canonical);

CREATE TABLE volmacht_members (
  tenant   {text(36)} NOT NULL,
  person   {text(36)} NOT NULL,
  state    {text(20)} NOT NULL,
  external {bool} NOT NULL,
  since    {int} NOT NULL,
  PRIMARY KEY (tenant, person),
  CONSTRAINT volmacht_members_state CHECK (state IN ('invited', 'active', 'deactivated')),
  FOREIGN KEY (tenant) REFERENCES volmacht_tenants (id),
  FOREIGN KEY (person) REFERENCES volmacht_people (id)
){table};

CREATE INDEX volmacht_members_person ON volmacht_members (person);

CREATE TABLE volmacht_teams (
  tenant {text(36)} NOT NULL,
  id     {text(36)} NOT NULL,
  name   {text(200)} NOT NULL,
  email  {text(320)} NOT NULL,
  PRIMARY KEY (tenant, id),
  FOREIGN KEY (tenant) REFERENCES volmacht_tenants (id)
){table};

CREATE TABLE volmacht_dossiers (
  tenant        {text(36)} NOT NULL,
  id            {text(36)} NOT NULL,
  name          {text(200)} NOT NULL,
  closed_at     {int} NOT NULL,
  configuration {text(36)},
  pending       {text(36)},
  failure       {long} NOT NULL,
  private       {bool} NOT NULL,
  manager       {text(36)},
  team          {text(36)},
  created_at    {int} NOT NULL,
  PRIMARY KEY (tenant, id),
  FOREIGN KEY (tenant) REFERENCES volmacht_tenants (id),
  FOREIGN KEY (tenant, manager) REFERENCES volmacht_members (tenant, person),
  FOREIGN KEY (tenant, team) REFERENCES volmacht_teams (tenant, id)
){table};

CREATE INDEX volmacht_dossiers_manager ON volmacht_dossiers (tenant, manager);
CREATE INDEX volmacht_dossiers_team ON volmacht_dossiers (tenant, team);

CREATE TABLE volmacht_supporting (
  tenant  {text(36)} NOT NULL,
  dossier {text(36)} NOT NULL,
  person  {text(36)} NOT NULL,
  PRIMARY KEY (tenant, dossier, person),
  FOREIGN KEY (tenant, dossier) REFERENCES volmacht_dossiers (tenant, id),
  FOREIGN KEY (tenant, person) REFERENCES volmacht_members (tenant, person)
){table};

CREATE INDEX volmacht_supporting_person ON volmacht_supporting (tenant, person);

-- stream has no foreign key: the ledger outlives what it tells of.
CREATE TABLE volmacht_ledger (
  stream   {text(80)} NOT NULL,
  revision {int} NOT NULL,
  at       {int} NOT NULL,
  actor    {text(100)} NOT NULL,
  action   {text(100)} NOT NULL,
  reason   {text(1000)} NOT NULL,
  detail   {long} NOT NULL,
  delta    {long} NOT NULL,
  prev     {bytes} NOT NULL,
  hash     {bytes} NOT NULL,
  PRIMARY KEY (stream, revision)
){table};

-- The first eight columns are gorm-adapter's own. Its values are never NULL,
-- for NULLs would let equal rows past the unique index.
CREATE TABLE casbin_rule (
  id          {serial},
  ptype       {text(100)} NOT NULL DEFAULT '',
  v0          {text(100)} NOT NULL DEFAULT '',
  v1          {text(100)} NOT NULL DEFAULT '',
  v2          {text(100)} NOT NULL DEFAULT '',
  v3          {text(100)} NOT NULL DEFAULT '',
  v4          {text(100)} NOT NULL DEFAULT '',
  v5          {text(100)} NOT NULL DEFAULT '',
  tenant      {text(36)} NOT NULL DEFAULT '',
  granted_by  {text(100)} NOT NULL DEFAULT '',
  granted_at  {int} NOT NULL DEFAULT 0,
  valid_from  {int} NOT NULL DEFAULT 0,
  valid_until {int} NOT NULL DEFAULT 0
){table};

CREATE UNIQUE INDEX idx_casbin_rule ON casbin_rule (ptype, v0, v1, v2, v3, v4, v5);
CREATE INDEX volmacht_rule_tenant ON casbin_rule (tenant);

CREATE TABLE volmacht_shelved_rules (
  id          {serial},
  ptype       {text(100)} NOT NULL DEFAULT '',
  v0          {text(100)} NOT NULL DEFAULT '',
  v1          {text(100)} NOT NULL DEFAULT '',
  v2          {text(100)} NOT NULL DEFAULT '',
  v3          {text(100)} NOT NULL DEFAULT '',
  v4          {text(100)} NOT NULL DEFAULT '',
  v5          {text(100)} NOT NULL DEFAULT '',
  tenant      {text(36)} NOT NULL DEFAULT '',
  granted_by  {text(100)} NOT NULL DEFAULT '',
  granted_at  {int} NOT NULL DEFAULT 0,
  valid_from  {int} NOT NULL DEFAULT 0,
  valid_until {int} NOT NULL DEFAULT 0
){table};

CREATE UNIQUE INDEX volmacht_shelved_rules_rule ON volmacht_shelved_rules (ptype, v0, v1, v2, v3, v4, v5);
CREATE INDEX volmacht_shelved_rules_tenant ON volmacht_shelved_rules (tenant);
