-- Run once, when the volume is empty. The tables come from migrations/.
create database orders_db;
create database payments_db;
