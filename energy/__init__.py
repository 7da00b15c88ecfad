"""The shared language of Jieneng: what a meter, a reading, a unit, a caliber and a day are."""
