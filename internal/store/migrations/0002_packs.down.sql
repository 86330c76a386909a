DROP TABLE volmacht_packs;
