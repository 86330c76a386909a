DROP TABLE volmacht_moot_offers;
