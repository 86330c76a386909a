-- What an invitation offers on a dossier, or in the tenant where that is '', and does
-- not give any more, though nobody is told.
CREATE TABLE volmacht_moot_offers (
  invitation {text(36)} NOT NULL,
  dossier    {text(36)} NOT NULL,
  PRIMARY KEY (invitation, dossier),
  FOREIGN KEY (invitation) REFERENCES volmacht_invitations (id)
){table};
