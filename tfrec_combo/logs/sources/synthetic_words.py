"""What the products of the synthetic shop are called."""

from typing import NamedTuple


class Family(NamedTuple):
  """Things bought together: what for, and (noun, category, price) of each; the first is the main one."""

  intent: str
  slots: tuple[tuple[str, str, float], ...]


BRANDS = (
  "Nordal", "Kestrel", "Amberline", "Solvik", "Tanaro", "Brightwell", "Corvane", "Larkfield", "Ostrana",
  "Pinemoor", "Quellan", "Rivermark",
)  # fmt: skip
CONTEXTS = ("app", "web")

FAMILIES = {
  "camera": Family("everything to start taking photographs", (
    ("digital mirrorless camera with zoom lens", "Electronics > Cameras", 649.0),
    ("padded camera bag with shoulder strap", "Luggage > Camera bags", 39.0),
    ("memory card for digital cameras 64 gb", "Computing > Memory cards", 19.0),
    ("aluminium camera tripod", "Electronics > Tripods", 59.0),
    ("camera battery with charger", "Electronics > Camera batteries", 29.0),
  )),
  "phone": Family("set up a new smartphone", (
    ("smartphone 128 gb", "Electronics > Mobile phones", 399.0),
    ("silicone smartphone case", "Accessories > Phone cases", 15.0),
    ("tempered glass phone screen protector", "Accessories > Screen protectors", 9.0),
    ("usb-c wall charger for mobile phones", "Accessories > Phone chargers", 22.0),
    ("wireless bluetooth earphones for phones", "Electronics > Earphones", 69.0),
  )),
  "camping": Family("everything for a camping trip", (
    ("family camping tent for four", "Outdoor > Tents", 219.0),
    ("warm camping sleeping bag", "Outdoor > Sleeping bags", 65.0),
    ("inflatable camping mattress", "Outdoor > Camping mattresses", 45.0),
    ("portable gas camping stove", "Outdoor > Camping stoves", 49.0),
    ("rechargeable camping lantern", "Outdoor > Camping lights", 25.0),
  )),
  "bicycle": Family("cycle safely to work", (
    ("city bicycle with seven gears", "Sports > Bicycles", 459.0),
    ("bicycle helmet for adults", "Sports > Bicycle helmets", 49.0),
    ("steel bicycle chain lock", "Sports > Bicycle locks", 35.0),
    ("bicycle front and rear light set", "Sports > Bicycle lights", 28.0),
    ("bicycle tyre floor pump", "Sports > Bicycle pumps", 32.0),
  )),
  "guitar": Family("learn to play the guitar", (
    ("acoustic guitar with spruce top", "Music > Guitars", 179.0),
    ("steel acoustic guitar strings", "Music > Guitar strings", 11.0),
    ("clip-on guitar tuner", "Music > Tuners", 14.0),
    ("leather guitar strap", "Music > Guitar straps", 21.0),
    ("padded guitar gig bag", "Music > Guitar bags", 42.0),
  )),
  "baby": Family("get ready for a newborn baby", (
    ("foldable baby stroller", "Baby > Strollers", 259.0),
    ("soft baby blanket", "Baby > Baby blankets", 24.0),
    ("newborn nappies pack", "Baby > Nappies", 13.0),
    ("baby feeding bottle set", "Baby > Baby bottles", 18.0),
    ("fragrance free baby wipes", "Baby > Baby wipes", 6.0),
  )),
  "barbecue": Family("host a barbecue in the garden", (
    ("charcoal barbecue grill with lid", "Garden > Barbecues", 149.0),
    ("bag of barbecue charcoal briquettes", "Garden > Charcoal", 12.0),
    ("stainless steel barbecue tongs", "Kitchen > Barbecue tools", 16.0),
    ("smoky barbecue sauce", "Food > Barbecue sauces", 4.0),
    ("heat resistant grill gloves", "Kitchen > Grill gloves", 19.0),
  )),
  "painting": Family("start painting with watercolours", (
    ("watercolour paint set with 24 colours", "Art > Watercolours", 29.0),
    ("watercolour paint brush set", "Art > Paint brushes", 17.0),
    ("pad of heavy watercolour paper", "Art > Watercolour paper", 15.0),
    ("wooden table easel for painting", "Art > Easels", 33.0),
    ("painting palette with wells", "Art > Palettes", 8.0),
  )),
  "aquarium": Family("set up a first aquarium", (
    ("glass fish aquarium 60 litres", "Pets > Aquariums", 99.0),
    ("aquarium water filter pump", "Pets > Aquarium filters", 34.0),
    ("aquarium water heater", "Pets > Aquarium heaters", 23.0),
    ("flake food for tropical aquarium fish", "Pets > Fish food", 7.0),
    ("natural aquarium gravel", "Pets > Aquarium gravel", 10.0),
  )),
}  # fmt: skip

# Bought again and again, whatever else the order is about.
STAPLE_CATEGORY = "Food"
STAPLES = (
  ("ground coffee", "Coffee", 8.0),
  ("green tea bags", "Tea", 5.0),
  ("oat milk drink", "Milk alternatives", 2.5),
  ("dark chocolate bar", "Chocolate", 3.0),
  ("toasted granola", "Cereals", 5.5),
  ("salted roast almonds", "Nuts", 4.5),
)
